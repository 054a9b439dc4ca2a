/** A rush on a server of one's own: the sale in it, the buyers who will come, and what an auditor looks at. */
import type { Fixture } from '../cli/seed.ts';
import { type Crowd, gatherCrowd } from './crowd.ts';
import type { OwnServer } from './own-server.ts';
import { type AuditedPlace, putOnSale, type Sale, type Stage, setStage } from './rush-scene.ts';

export interface OwnRush {
  readonly fixture: Fixture;
  /** To be closed when the rush is over. */
  readonly stage: Stage;
  readonly crowd: Crowd;
  readonly place: AuditedPlace;
}

export interface RushTerms {
  readonly sale: Sale;
  /** New buyers keep coming: those who found nothing for so long make room for them. */
  readonly waitMs: number;
  readonly seed: number;
}

/** The server must run. */
export async function openRush(server: OwnServer, { sale, waitMs, seed }: RushTerms): Promise<OwnRush> {
  const stores = await server.reviveStores();
  const fixture = await putOnSale(server.dataDir, stores, sale);
  const { baseUrl, sandboxUrl, dataDir } = server;
  const ackedFile = `${dataDir}/acked.jsonl`;
  const stage = setStage({ baseUrl, sandboxUrl, fixture, ackedFile, waitMs });
  const crowd = gatherCrowd(fixture.users, stage, seed);
  return { fixture, stage, crowd, place: { ...stores, sandboxUrl, eventId: fixture.event_id, ackedFile } };
}
