/** The stage of a rush: an event and its buyers in a running server, the page they look at, their notes, the audit. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { audit } from '../auditor.ts';
import { readAcked } from '../cli/audit.ts';
import { type Fixture, runSeed } from '../cli/seed.ts';
import type { AuditReport } from '../engine/audit.ts';
import { signAccessToken } from '../http/auth.ts';
import type { StoreUrls } from '../persistence/embedded.ts';
import { keptSecrets } from '../persistence/kept-secrets.ts';
import { readCharges } from '../providers/sandbox/charges.ts';
import { realWorld } from '../world.ts';
import { type AckedLog, openAckedLog } from './acked-log.ts';
import { type Board, openBoard } from './board.ts';
import type { Scene } from './buyer.ts';
import { createHttpClient } from './http-client.ts';
import { type Latencies, recordLatencies } from './latencies.ts';
import { createShopClient } from './shop-client.ts';

export interface Stage extends Scene {
  readonly latencies: Latencies;
  close(): Promise<void>;
}

export interface StagePlace {
  readonly baseUrl: string;
  readonly sandboxUrl: string;
  readonly fixture: Fixture;
  /** Of the buyers' notes; made when it is missing. */
  readonly ackedFile: string;
  /** How long a buyer without seats keeps looking; Infinity: until all is sold. */
  readonly waitMs: number;
}

/** Connections are what a crowd of browsers would have, bounded by what one process should open. */
const connectionsMax = 256;
const timeoutMs = 5_000;
/** Longer than a restart of server and stores takes. */
const patienceMs = 90_000;

export function setStage({ baseUrl, sandboxUrl, fixture, ackedFile, waitMs }: StagePlace): Stage {
  const latencies = recordLatencies();
  const http = createHttpClient({ connectionsMax, timeoutMs, patienceMs, observe: latencies.observe });
  const { event_id: eventId, show_id: showId } = fixture;
  const shop = createShopClient(http, { baseUrl, sandboxUrl, eventId, showId });
  const board: Board = openBoard(shop);
  const acked: AckedLog = openAckedLog(ackedFile);
  return {
    ...{ eventId, waitMs, shop, board, acked, latencies },
    async close() {
      await board.close();
      acked.close();
      http.close();
    },
  };
}

export interface Sale {
  readonly users: number;
  readonly zones: number;
  readonly seatsPerZone: number;
  /** Left out: the seed's own limit. */
  readonly maxPerUser?: number;
  /** Behind a waiting room. */
  readonly queue?: boolean;
}

const tokenTtlSeconds = 6 * 3_600;

/** Puts a new event on sale in the stores of an own server. */
export async function putOnSale(dataDir: string, { databaseUrl }: StoreUrls, sale: Sale): Promise<Fixture> {
  const { ids } = realWorld();
  const { jwtSecret } = keptSecrets(dataDir);
  const outFile = join(dataDir, 'fixture.json');
  const sign = (id: string) =>
    signAccessToken(
      jwtSecret,
      { id, role: 'user', tokenId: ids.next() },
      { nowMs: Date.now(), ttlSeconds: tokenTtlSeconds },
    );
  const { seatsPerZone: seats, ...rest } = sale;
  await runSeed({ databaseUrl, seats, outFile, ...rest }, { ids, sign, print: () => {} });
  return readFixture(outFile);
}

export function readFixture(file: string): Fixture {
  return JSON.parse(readFileSync(file, 'utf8'));
}

export interface AuditedPlace extends StoreUrls {
  readonly sandboxUrl: string;
  readonly eventId: string;
  readonly ackedFile: string;
}

/** One audit, fair while sales go on. */
export async function auditNow(place: AuditedPlace, settled = false): Promise<AuditReport> {
  const { databaseUrl, redisUrl, sandboxUrl, eventId } = place;
  const acked = await readAcked(place.ackedFile);
  return audit({ databaseUrl, redisUrl, readCharges: () => readCharges(sandboxUrl), acked, eventId, settled });
}

/** Audits until everything has settled, or `patienceMs` are over: what is under way then is a violation. */
export async function auditSettled(place: AuditedPlace, patienceMs: number): Promise<AuditReport> {
  const deadlineMs = Date.now() + patienceMs;
  for (;;) {
    const report = await auditNow(place, true);
    if (report.clean || Date.now() > deadlineMs) return report;
    await delay(1_000);
  }
}
