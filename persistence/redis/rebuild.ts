/**
 * Fills the gate of one event from a snapshot of the truth. Each chunk names the generation that is being built, so
 * that a rebuild which was overtaken by a later one cannot write into it; the generation becomes valid last.
 */
import type { EventSnapshot } from '../../engine/ports.ts';
import { batchesKey, gateKey, holdsKey, idempotencyKeys, releasesKey, usersKey, zoneKey } from './keys.ts';
import { packHold, uuidBytes } from './records.ts';
import { loadScript, runScript } from './scripts.ts';
import type { RedisServer } from './server.ts';

const openRebuild = loadScript('open_rebuild');
const loadZone = loadScript('load_zone');
const loadEntries = loadScript('load_entries');
const closeRebuild = loadScript('close_rebuild');

/** lua/load_entries.lua can unpack about 8 000 values. */
const pairsPerCall = 3_000;

/** A day's keys are looked up on that day and the next; lua/zone_batch.lua says the same. */
const keyDayTtlSeconds = 172_800;

export async function rebuildGate(server: RedisServer, snapshot: EventSnapshot, nowMs: number): Promise<void> {
  const { eventId } = snapshot;
  const generation = String(snapshot.generation);
  const gate = gateKey(eventId);
  const days = idempotencyKeys(eventId, nowMs);

  const dropped = snapshot.zones.flatMap(({ zoneId }) => [
    zoneKey(eventId, zoneId),
    holdsKey(eventId, zoneId),
    batchesKey(eventId, zoneId),
    releasesKey(eventId, zoneId),
  ]);
  await runScript(server, openRebuild, [gate, usersKey(eventId), days.today, days.yesterday, ...dropped], [generation]);

  for (const zone of snapshot.zones) {
    const counters = [zone.capacity, zone.available, zone.held, zone.sold, zone.blocked, zone.epoch, zone.version];
    await runScript(server, loadZone, [gate, zoneKey(eventId, zone.zoneId)], [generation, ...counters.map(String)]);
  }
  const load = loader(server, gate, generation);
  for await (const chunk of snapshot.holds()) {
    for (const hold of chunk) load.add(holdsKey(eventId, hold.zoneId), uuidBytes(hold.bookingId), packHold(hold));
    await load.write();
  }
  for await (const chunk of snapshot.users()) {
    for (const user of chunk) load.add(usersKey(eventId), uuidBytes(user.userId), String(user.seats));
    await load.write();
  }
  const keyDays = new Set<string>();
  for await (const chunk of snapshot.keys()) {
    for (const use of chunk) {
      const day = idempotencyKeys(eventId, use.createdAtMs).today;
      keyDays.add(day);
      const value = Buffer.concat([Buffer.from(use.fingerprint, 'hex'), uuidBytes(use.bookingId)]);
      load.add(day, Buffer.from(use.key, 'hex'), value);
    }
    await load.write();
  }
  for (const day of keyDays) await server.redis.expire(day, keyDayTtlSeconds);
  await runScript(server, closeRebuild, [gate], [generation, server.runId]);
}

/** Gathers the entries of a chunk per hash, and writes them in as few calls as the script can take. */
function loader(server: RedisServer, gate: string, generation: string) {
  const gathered = new Map<string, (string | Buffer)[]>();
  return {
    add(target: string, field: Buffer, value: string | Buffer): void {
      const pairs = gathered.get(target);
      if (pairs) pairs.push(field, value);
      else gathered.set(target, [field, value]);
    },
    async write(): Promise<void> {
      for (const [target, pairs] of gathered) {
        for (let at = 0; at < pairs.length; at += 2 * pairsPerCall) {
          await runScript(server, loadEntries, [gate, target], [generation, ...pairs.slice(at, at + 2 * pairsPerCall)]);
        }
      }
      gathered.clear();
    },
  };
}
