/**
 * A server of one's own with an event behind its waiting room: what every part of `bench queue` runs against, and how a
 * part proves in the end that the room kept its promises.
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyFairness } from '../../cli/fairness.ts';
import type { Fixture } from '../../cli/seed.ts';
import { signAccessToken } from '../../http/auth.ts';
import type { StoreUrls } from '../../persistence/embedded.ts';
import { keptSecrets } from '../../persistence/kept-secrets.ts';
import type { Cores } from '../cores.ts';
import { type OwnServer, prepareServer } from '../own-server.ts';
import { auditSettled, putOnSale, type Sale } from '../rush-scene.ts';
import { readStoreFacts, type StoreFacts, withPostgres } from '../stores.ts';

export interface RoomServer {
  readonly server: OwnServer;
  readonly urls: StoreUrls;
  readonly facts: StoreFacts;
  readonly fixture: Fixture;
  readonly fixtureFile: string;
  readonly ackedFile: string;
  /** Sets terms of the room, as an admin. */
  configure(terms: object): Promise<void>;
  /** Rows of the log, as a query over `queue_log` of the event ($1) finds them. */
  logged<Row extends object>(sql: string): Promise<readonly Row[]>;
  /** Verifies the published log and audits the sale. What was broken; empty when every promise held. */
  check(print: (line: string) => void): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface RoomServerOptions {
  readonly program: string;
  readonly users: number;
  readonly seats: number;
  readonly holdSeconds?: number;
  /** Of server and stores. @default null */
  readonly cores?: Cores;
  /** More variables for the server. */
  readonly settings: Readonly<Record<string, string>>;
}

const settlePatienceMs = 120_000;

export async function openRoomServer(options: RoomServerOptions): Promise<RoomServer> {
  const { program, users, seats, holdSeconds = 600, cores = null, settings } = options;
  const server = await prepareServer({ program, holdSeconds, cores, settings });
  try {
    await server.start();
    const urls = await server.reviveStores();
    const sale: Sale = { users, zones: 1, seatsPerZone: seats, queue: true };
    const fixture = await putOnSale(server.dataDir, urls, sale);
    const ackedFile = join(server.dataDir, 'acked.jsonl');
    writeFileSync(ackedFile, '', { mode: 0o600 });
    const { event_id: eventId } = fixture;
    return {
      ...{ server, urls, fixture, ackedFile },
      fixtureFile: join(server.dataDir, 'fixture.json'),
      facts: await readStoreFacts(urls),
      configure: await admin(server, eventId),
      logged: (sql) => withPostgres(urls.databaseUrl, async (client) => (await client.query(sql, [eventId])).rows),
      async check(print) {
        const file = join(server.dataDir, 'fairness.jsonl');
        writeFileSync(file, await publishedLog(server.baseUrl, eventId));
        const unproved = (await verifyFairness(file, { print })) === 0 ? [] : ['the log does not prove the order'];
        const place = { ...urls, sandboxUrl: server.sandboxUrl, eventId, ackedFile };
        const { findings } = await auditSettled(place, settlePatienceMs);
        const violations = findings.filter(({ kind }) => kind === 'violation').map(({ sentence }) => sentence);
        return [...unproved, ...violations];
      },
      close: () => server.close(false),
    };
  } catch (error) {
    await server.close(false);
    throw error;
  }
}

async function admin({ baseUrl, dataDir }: OwnServer, eventId: string): Promise<RoomServer['configure']> {
  const user = { id: randomUUID(), role: 'admin', tokenId: randomUUID() } as const;
  const life = { nowMs: Date.now(), ttlSeconds: 6 * 3_600 };
  const token = await signAccessToken(keptSecrets(dataDir).jwtSecret, user, life);
  return async (terms) => {
    const answer = await fetch(`${baseUrl}/api/v1/admin/queue/${eventId}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify(terms),
    });
    if (answer.status !== 200) throw new Error(`the room's terms were refused: ${await answer.text()}`);
  };
}

/** The log as anybody can get it, one answer a line. */
async function publishedLog(baseUrl: string, eventId: string): Promise<string> {
  const pages: string[] = [];
  for (let cursor: number | null = 0; cursor !== null; ) {
    const answer: Response = await fetch(`${baseUrl}/api/v1/events/${eventId}/fairness?cursor=${cursor}`);
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`no fairness report: ${text}`);
    pages.push(text);
    cursor = JSON.parse(text).meta.next_cursor;
  }
  return `${pages.join('\n')}\n`;
}
