/**
 * The gate over Redis: one call of lua/zone_batch.lua a batch. Owns what a lost answer means here: the effect may have
 * happened, so the same batch id is sent once more and the batch's record answers.
 */
import type { Redis } from 'ioredis';
import type { EventSnapshot, Gate, GateAnswer, GateBatch, GateFound, Lease } from '../../engine/ports.ts';
import type { GateConnection } from './connection.ts';
import { batchesKey, gateKey, holdsKey, idempotencyKeys, releasesKey, usersKey, zoneKey } from './keys.ts';
import { rebuildGate } from './rebuild.ts';
import { packCommands, readAnswers, readHold, uuidBytes, uuidText } from './records.ts';
import { loadScript, runScript } from './scripts.ts';
import type { RedisServer } from './server.ts';

const zoneBatch = loadScript('zone_batch');
const undoBatch = loadScript('undo_batch');
const acquireZone = loadScript('acquire_zone');

/** How long a call waits for a connection that has just gone away, before it gives up. */
const reconnectWaitMs = 1_000;

export function createGate(connection: GateConnection, now: () => number): Gate {
  return {
    async apply(batch) {
      try {
        return await applyOnce(connection, batch);
      } catch (error) {
        if (!isLostAnswer(error)) throw error;
        return await applyOnce(connection, batch);
      }
    },
    acquire: (lease) => acquire(connection, lease),
    undo: (lease, batchId) => undo(connection, lease, batchId, now()),
    read: (lease) => connection.on(gateKey(lease.eventId), reconnectWaitMs, (server) => read(server, lease)),
    isBuilt: (eventId, generation) =>
      connection.on(gateKey(eventId), reconnectWaitMs, async (server) => {
        await server.recheck();
        const [built, builtIn] = await server.redis.hmget(gateKey(eventId), 'generation', 'run_id');
        return built === String(generation) && builtIn === server.runId;
      }),
    rebuild: (snapshot: EventSnapshot) =>
      connection.on(gateKey(snapshot.eventId), reconnectWaitMs, async (server) => {
        await server.recheck();
        await rebuildGate(server, snapshot, now());
      }),
  };
}

async function applyOnce(connection: GateConnection, batch: GateBatch): Promise<GateAnswer> {
  const { lease } = batch;
  const settled = Buffer.concat(batch.settled.map(uuidBytes));
  const reply = await refusable(
    connection.on(gateKey(lease.eventId), reconnectWaitMs, (server) =>
      runScript(server, zoneBatch, batchKeys(lease, batch.nowMs), [
        String(lease.generation),
        server.runId,
        String(lease.epoch),
        String(batch.version),
        uuidBytes(batch.batchId),
        settled,
        String(batch.maxPerUser),
        packCommands(batch.commands),
      ]),
    ),
  );
  if (!reply.ok) return reply;
  const [available, held, codes, ...details] = reply.value as [number, number, Buffer, ...(number | Buffer)[]];
  return { ok: true, available, held, answers: readAnswers(codes, details) };
}

async function acquire(connection: GateConnection, lease: Lease): Promise<GateFound> {
  const { eventId, zoneId } = lease;
  const keys = [gateKey(eventId), zoneKey(eventId, zoneId), batchesKey(eventId, zoneId)];
  const reply = await refusable(
    connection.on(gateKey(eventId), reconnectWaitMs, (server) =>
      runScript(server, acquireZone, keys, [String(lease.generation), server.runId, String(lease.epoch)]),
    ),
  );
  if (!reply.ok) return reply;
  const [version, ...records] = reply.value as [number, ...(Buffer | number)[]];
  const recorded = [];
  for (let i = 0; i < records.length; i += 2)
    recorded.push({ batchId: uuidText(records[i] as Buffer), version: records[i + 1] as number });
  return { ok: true, version, recorded };
}

function undo(connection: GateConnection, lease: Lease, batchId: string, nowMs: number): Promise<boolean> {
  return connection.on(gateKey(lease.eventId), reconnectWaitMs, async (server) => {
    const args = [String(lease.generation), server.runId, String(lease.epoch), uuidBytes(batchId)];
    return (await runScript(server, undoBatch, batchKeys(lease, nowMs), args)) === 1;
  });
}

async function read({ redis, runId }: RedisServer, lease: Lease) {
  const zone = zoneKey(lease.eventId, lease.zoneId);
  const holds = await readHolds(redis, holdsKey(lease.eventId, lease.zoneId));
  // The gate last: when it is still as the lease says, everything before was read from it, and not while it was rebuilt.
  const [[epoch, available, held], [generation, builtIn]] = await Promise.all([
    redis.hmget(zone, 'epoch', 'available', 'held'),
    redis.hmget(gateKey(lease.eventId), 'generation', 'run_id'),
  ]);
  if (generation !== String(lease.generation) || builtIn !== runId || epoch !== String(lease.epoch))
    throw new Error('STALE_GATE rebuilt or taken over while it was read');
  return { available: Number(available), held: Number(held), holds };
}

async function readHolds(redis: Redis, key: string) {
  const holds = [];
  let cursor = '0';
  do {
    const [next, fields] = (await redis.hscanBuffer(key, cursor, 'COUNT', 2_000)) as unknown as [Buffer, Buffer[]];
    for (let i = 0; i < fields.length; i += 2) holds.push(readHold(fields[i] as Buffer, fields[i + 1] as Buffer));
    cursor = next.toString();
  } while (cursor !== '0');
  return holds;
}

function batchKeys({ eventId, zoneId }: Lease, nowMs: number): string[] {
  const { today, yesterday } = idempotencyKeys(eventId, nowMs);
  return [
    gateKey(eventId),
    zoneKey(eventId, zoneId),
    usersKey(eventId),
    holdsKey(eventId, zoneId),
    batchesKey(eventId, zoneId),
    today,
    yesterday,
    releasesKey(eventId, zoneId),
  ];
}

/** Turns the scripts' own refusals into values; everything else stays a rejection. */
async function refusable(
  call: Promise<unknown>,
): Promise<{ ok: true; value: unknown } | { ok: false; reason: 'stale' | 'fenced' }> {
  try {
    return { ok: true, value: await call };
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    if (message.startsWith('FENCED')) return { ok: false, reason: 'fenced' };
    if (message.startsWith('STALE_')) return { ok: false, reason: 'stale' };
    throw error;
  }
}

/** True when the script may have run without our hearing of it. An answer that is an error came from the server. */
function isLostAnswer(error: unknown): boolean {
  return !(error instanceof Error && error.name === 'ReplyError');
}
