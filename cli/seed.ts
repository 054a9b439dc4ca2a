/** `onsale seed`: an event, its users and their tokens in a file, so that any load tool can drive the API. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { Ids } from '../engine/ports.ts';
import { insertSeed, type Seed } from '../persistence/postgres/seed.ts';

export interface SeedOptions {
  readonly databaseUrl: string;
  readonly users: number;
  readonly zones: number;
  /** Of each zone. */
  readonly seats: number;
  /** @default 10 */
  readonly maxPerUser?: number;
  /** Minor units of the currency. @default 150000 */
  readonly priceMinor?: number;
  /** ISO 4217. @default THB */
  readonly currency?: string;
  /** With a waiting room. */
  readonly queue?: boolean;
  readonly outFile: string;
}

export interface SeedIo {
  readonly ids: Ids;
  /** An access token for a user, valid for 6 h. */
  readonly sign: (userId: string) => Promise<string>;
  readonly print: (line: string) => void;
}

/** What the file holds. */
export interface Fixture {
  readonly event_id: string;
  readonly show_id: string;
  readonly zone_ids: readonly string[];
  readonly users: readonly { readonly user_id: string; readonly token: string }[];
}

/** Tokens that are signed before their users are written. */
const chunkUsers = 5_000;

/** The exit code. Rejects when either the event or the file could not be written; the file is then good for nothing. */
export async function runSeed(options: SeedOptions, { ids, sign, print }: SeedIo): Promise<number> {
  const many = (count: number) => Array.from({ length: count }, () => ids.next());
  const seed: Seed = {
    eventId: ids.next(),
    showId: ids.next(),
    tenantId: ids.next(),
    zoneIds: many(options.zones),
    userIds: many(options.users),
    seatsPerZone: options.seats,
    priceMinor: options.priceMinor ?? 150_000,
    currency: options.currency ?? 'THB',
    maxPerUser: options.maxPerUser ?? 10,
    waitingRoom: options.queue ? 'open' : 'off',
  };
  // At the same time: one is PostgreSQL's work, the other is ours.
  await Promise.all([insertSeed(options.databaseUrl, seed), writeFixture(options.outFile, seed, sign)]);
  print(`event ${seed.eventId}: ${options.zones} zones of ${options.seats} seats, ${options.users} users`);
  print(`written to ${options.outFile}`);
  return 0;
}

/** Tokens are secrets: the file is its owner's alone. */
async function writeFixture(file: string, seed: Seed, sign: SeedIo['sign']): Promise<void> {
  const out = createWriteStream(file, { mode: 0o600 });
  const written = finished(out);
  const { eventId: event_id, showId: show_id, zoneIds: zone_ids, userIds } = seed;
  const head = JSON.stringify({ event_id, show_id, zone_ids, users: [] satisfies Fixture['users'] });
  out.write(head.slice(0, -'[]}'.length).concat('[\n'));
  for (let at = 0; at < userIds.length; at += chunkUsers) {
    const chunk = userIds.slice(at, at + chunkUsers);
    const lines = await Promise.all(
      chunk.map(async (user_id) => JSON.stringify({ user_id, token: await sign(user_id) })),
    );
    const isLast = at + chunkUsers >= userIds.length;
    if (!out.write(`${lines.join(',\n')}${isLast ? '' : ','}\n`)) await once(out, 'drain');
  }
  out.end(']}\n');
  await written;
}
