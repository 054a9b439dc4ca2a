/**
 * What the gate has of one event, as an auditor reads it: every counter, hold and total as it stands, whoever wrote it.
 * Nothing is read at one instant; the versions that are read with it tell whether something moved meanwhile.
 */
import type { Redis } from 'ioredis';
import type { GateFacts, GateZone, SharedZone } from '../../engine/audit-gate.ts';
import type { Hold } from '../../engine/zone.ts';
import { connectGate, type GateConnection } from './connection.ts';
import { gateKey, holdsKey, releasesKey, usersKey, zoneKey } from './keys.ts';
import { readHold, readReleases, uuidText } from './records.ts';
import type { RedisServer } from './server.ts';

/** Reading takes as long as it takes. */
const commandTimeoutMs = 30_000;
const connectWaitMs = 5_000;

/** A connection for reading. */
export async function withGate<T>(redisUrl: string, work: (gate: GateConnection) => Promise<T>): Promise<T> {
  // What is under way rejects.
  const gate = connectGate(redisUrl, { commandTimeoutMs, failed: () => {} });
  try {
    return await work(gate);
  } finally {
    gate.close();
  }
}

/** Marks and counters first, then holds and totals. With `counters` only, the latter two are empty. */
export function readGate(gate: GateConnection, event: Event, depth: 'counters' | 'all'): Promise<GateFacts> {
  return gate.on(gateKey(event.eventId), connectWaitMs, (server) => readFrom(server, event, depth));
}

interface Event {
  readonly eventId: string;
  readonly zoneIds: readonly string[];
}

async function readFrom(
  { redis, runId }: RedisServer,
  { eventId, zoneIds }: Event,
  depth: 'counters' | 'all',
): Promise<GateFacts> {
  const [generation, builtIn] = await redis.hmget(gateKey(eventId), 'generation', 'run_id');
  const zones = new Map<string, GateZone>();
  for (const zoneId of zoneIds) {
    const zone = await readZone(redis, eventId, zoneId);
    if (zone) zones.set(zoneId, zone);
  }
  if (depth === 'all') {
    for (const [zoneId, zone] of zones)
      zones.set(zoneId, { ...zone, holds: await readHolds(redis, holdsKey(eventId, zoneId)) });
  }
  return {
    built: generation !== null && generation !== undefined && builtIn === runId,
    generation: generation ? Number(generation) : null,
    zones,
    users: depth === 'all' ? await readUsers(redis, usersKey(eventId)) : new Map(),
  };
}

async function readZone(redis: Redis, eventId: string, zoneId: string): Promise<GateZone | null> {
  const names = ['capacity', 'available', 'held', 'sold', 'blocked', 'epoch', 'version'] as const;
  const values = await redis.hmget(zoneKey(eventId, zoneId), ...names);
  if (values.every((value) => value === null)) return null;
  // A counter that is absent becomes NaN, which equals and sums up to nothing: it cannot pass for a number.
  const [capacity, available, held, sold, blocked, epoch, version] = values.map((value) => Number(value ?? Number.NaN));
  const counters = { capacity, available, held, sold, blocked, epoch, version } as Omit<SharedZone, 'holds'>;
  const releases = new Map<string, number>();
  const batchIds: string[] = [];
  for await (const [batchId, released] of fieldsOf(redis, releasesKey(eventId, zoneId))) {
    batchIds.push(batchId.toString('hex'));
    for (const { userId, seats } of readReleases(released)) releases.set(userId, (releases.get(userId) ?? 0) + seats);
  }
  return { ...counters, holds: new Map(), releases, mark: [version, ...batchIds.sort()].join() };
}

async function readHolds(redis: Redis, key: string): Promise<ReadonlyMap<string, Hold>> {
  const holds = new Map<string, Hold>();
  for await (const [field, value] of fieldsOf(redis, key)) {
    const hold = readHold(field, value);
    holds.set(hold.bookingId, hold);
  }
  return holds;
}

async function readUsers(redis: Redis, key: string): Promise<ReadonlyMap<string, number>> {
  const users = new Map<string, number>();
  for await (const [field, value] of fieldsOf(redis, key)) users.set(uuidText(field), Number(value));
  return users;
}

async function* fieldsOf(redis: Redis, key: string): AsyncIterable<readonly [Buffer, Buffer]> {
  let cursor = '0';
  do {
    const [next, fields] = (await redis.hscanBuffer(key, cursor, 'COUNT', 2_000)) as unknown as [Buffer, Buffer[]];
    for (let i = 0; i < fields.length; i += 2) yield [fields[i] as Buffer, fields[i + 1] as Buffer];
    cursor = next.toString();
  } while (cursor !== '0');
}
