/**
 * The scripts of the gate against their model (zone-model.ts): random histories through both, over a real Redis,
 * compared after every step. `MODEL_SEED=n` repeats the histories of a seed that was printed, `MODEL_RUNS=n` runs more.
 */
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { GateZone } from '../../engine/audit-gate.ts';
import type { Gate, Lease } from '../../engine/ports.ts';
import type { Zone, ZoneCommand } from '../../engine/zone.ts';
import { readGate } from '../../persistence/redis/audit.ts';
import { connectGate } from '../../persistence/redis/connection.ts';
import { createGate } from '../../persistence/redis/gate.ts';
import { idempotencyKeys } from '../../persistence/redis/keys.ts';
import { countersOf, hashOf, newId, noonMs, snapshotOf } from '../contracts/event-sample.ts';
import { openRedis } from '../stores.ts';
import { capacities, maxPerUser, type Sale, ZoneModel } from './zone-model.ts';

const runs = Number(process.env.MODEL_RUNS ?? 300);
const seed = Number(process.env.MODEL_SEED ?? Date.now() % 1_000_000_000);

// ---- histories: everything refers to few users, keys and bookings, so that things meet

const user = fc.integer({ min: 0, max: 3 });
const booking = fc.integer({ min: 0, max: 9 });
const quantity = fc.integer({ min: 1, max: 6 });
const momentMs = fc.integer({ min: noonMs, max: noonMs + 5 });

const command = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('reserve'), user, key: fc.nat(14), quantity, atMs: momentMs }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reacquire'), user, quantity }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('refund') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('extend'), booking, atMs: momentMs }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('confirm', 'cancel'), booking }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('expire'), booking, atMs: momentMs }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('write-off'), booking }) },
);

const zone = fc.nat(capacities.length - 1);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('batch' as const), zone, commands: fc.array(command, { maxLength: 12 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('repeat' as const), zone }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('undo' as const), zone }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('settle' as const), zone }) },
);

type Drawn = { readonly [name: string]: unknown; readonly kind: string } & Partial<
  Record<'user' | 'key' | 'booking' | 'quantity' | 'atMs', number>
>;

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

// ---- the two side by side

interface Side {
  readonly gate: Gate;
  readonly redis: Redis;
}

class History {
  /** How often each kind of command got each answer. */
  static readonly seen = new Map<string, number>();
  readonly #model = new ZoneModel();
  readonly #side: Side;
  readonly #leases: readonly Lease[];
  readonly #versions = capacities.map(() => 0);
  readonly #bookings: string[] = Array.from({ length: 10 }, newId);
  readonly #userIds = Array.from({ length: 4 }, newId);
  #last: { readonly zone: number; readonly batch: Parameters<Gate['apply']>[0]; readonly answer: unknown } | null =
    null;

  constructor(side: Side) {
    this.#side = side;
    const eventId = newId();
    this.#leases = capacities.map(() => ({ eventId, zoneId: newId(), epoch: 1, generation: 1 }));
  }

  async open(): Promise<void> {
    const zones = this.#leases.map(({ zoneId }, index) => ({
      zoneId,
      epoch: 1,
      version: 0,
      ...countersOf(capacities[index] as number),
    }));
    const { eventId } = this.#leases[0] as Lease;
    await this.#side.gate.rebuild(snapshotOf({ eventId, generation: 1, zones }));
  }

  async batch(zone: number, drawn: readonly Drawn[]): Promise<void> {
    const sales = this.#model.salesIn(zone);
    // A sale is refunded once in a batch, as its zone sees to it; without one there is nothing to give back.
    const commands = drawn.map((one) => (one.kind === 'refund' ? this.#refundOf(sales.pop()) : this.#commandOf(one)));
    const batch = this.#batchOf(zone, commands);
    const answer = await this.#side.gate.apply(batch);
    const answers = this.#model.judge(zone, batch.batchId, commands);
    const { available, held } = this.#model.zones[zone] as Zone;
    expect(answer).toEqual({ ok: true, available, held, answers });
    for (const [index, { result }] of answers.entries()) {
      const what = `${commands[index]?.kind}: ${result}`;
      History.seen.set(what, (History.seen.get(what) ?? 0) + 1);
    }
    if (answers.some(({ result }) => result === 'applied')) {
      this.#versions[zone] = batch.version + 1;
      this.#last = { zone, batch, answer };
    }
  }

  /** The newest batch of all once more, as after a lost answer; refused when its zone has gone on. */
  async repeat(): Promise<void> {
    if (this.#last) expect(await this.#side.gate.apply(this.#last.batch)).toEqual(this.#last.answer);
  }

  async undo(zone: number): Promise<void> {
    const newest = this.#model.batches[zone]?.at(-1);
    if (!newest) return;
    expect(await this.#side.gate.undo(this.#leases[zone] as Lease, newest.batchId)).toBe(!newest.settled);
    if (newest.settled) return;
    if (this.#last?.batch.batchId === newest.batchId) this.#last = null;
    this.#model.forgetNewest(zone);
    this.#versions[zone] = (this.#versions[zone] as number) - 1;
  }

  /** Settles every batch of the zone but the newest, as their owner would. */
  async settle(zone: number): Promise<void> {
    const open = this.#model.batches[zone]?.slice(0, -1).filter(({ settled }) => !settled) ?? [];
    if (open.some(({ batchId }) => batchId === this.#last?.batch.batchId)) this.#last = null;
    const settled = open.map(({ batchId }) => batchId);
    await this.#side.gate.apply({ ...this.#batchOf(zone, []), settled });
    for (const batch of open) batch.settled = true;
    this.#model.replay();
  }

  /** Counters, holds, users and keys of both are the same. */
  async compare(): Promise<void> {
    const { redis } = this.#side;
    const { eventId } = this.#leases[0] as Lease;
    const zoneIds = this.#leases.map(({ zoneId }) => zoneId);
    const facts = await readGate(connection, { eventId, zoneIds }, 'all');
    const kept = new Map(facts.users);
    for (const [index, zoneId] of zoneIds.entries()) {
      const { mark: _mark, releases, ...zone } = facts.zones.get(zoneId) as GateZone;
      const { event: _event, ...model } = this.#model.zones[index] as Zone;
      expect(zone).toEqual({ ...model, epoch: 1, version: this.#versions[index] });
      for (const [user, seats] of releases) {
        const rest = (kept.get(user) ?? 0) - seats;
        if (rest === 0) kept.delete(user);
        else kept.set(user, rest);
      }
    }
    const { event } = this.#model.zones[0] as Zone;
    expect(facts.users).toEqual(event.seatsOfUser);
    expect(kept).toEqual(this.#model.seatsKept);
    const keys = await redis.hkeysBuffer(idempotencyKeys(eventId, noonMs).today);
    expect(new Set(keys.map((key) => key.toString('hex')))).toEqual(new Set(event.keys.keys()));
  }

  #batchOf(zone: number, commands: readonly ZoneCommand[]) {
    const lease = this.#leases[zone] as Lease;
    const version = this.#versions[zone] as number;
    return { lease, version, batchId: newId(), settled: [], maxPerUser, nowMs: noonMs, commands };
  }

  #refundOf(sale: Sale | undefined): ZoneCommand {
    return { kind: 'refund', ...(sale ?? { bookingId: newId(), userId: newId(), quantity: 100 }) };
  }

  #commandOf(drawn: Drawn): ZoneCommand {
    const { kind, quantity = 1, atMs = noonMs } = drawn;
    const bookingId = this.#bookings[drawn.booking ?? 0] as string;
    const userId = this.#userIds[drawn.user ?? 0] as string;
    switch (kind) {
      case 'reserve': {
        const fresh = newId();
        // Later commands find the newest bookings under the small numbers that are drawn for them.
        this.#bookings.unshift(fresh);
        const key = hashOf(`${drawn.user} ${drawn.key}`);
        return { kind, bookingId: fresh, userId, key, fingerprint: hashOf(`${quantity}`), quantity, expiresAtMs: atMs };
      }
      case 'reacquire':
        return { kind, bookingId: newId(), userId, quantity };
      case 'extend':
        return { kind, bookingId, expiresAtMs: atMs };
      case 'expire':
        return { kind, bookingId, nowMs: atMs };
      default:
        return { kind: kind as 'confirm' | 'cancel' | 'write-off', bookingId };
    }
  }
}

let redis: Redis;
let connection: ReturnType<typeof connectGate>;
beforeAll(async () => {
  const url = await openRedis();
  redis = new Redis(url);
  connection = connectGate(url, { commandTimeoutMs: 10_000, failed: () => {} });
  await connection.all(10_000);
});
afterAll(async () => {
  connection.close();
  await redis.quit();
});

/** What must have been compared, or the run has not shown what it claims. */
const mustSee = [
  ...['applied', 'replay', 'too-few', 'over-limit'].map((result) => `reserve: ${result}`),
  ...['applied', 'too-few', 'over-limit'].map((result) => `reacquire: ${result}`),
  ...['extend', 'confirm', 'cancel', 'expire'].flatMap((kind) => [`${kind}: applied`, `${kind}: absent`]),
  'expire: early',
  'refund: applied',
  'refund: absent',
  'write-off: applied',
];

it(`the scripts do what the model does, in ${runs} histories`, { timeout: 60_000 + 200 * runs }, async () => {
  const side = { gate: createGate(connection, () => noonMs), redis };
  const run = async (steps: readonly Step[]) => {
    const history = new History(side);
    await history.open();
    for (const one of steps) {
      if (one.do === 'batch') await history.batch(one.zone, one.commands);
      else if (one.do === 'repeat') await history.repeat();
      else await history[one.do](one.zone);
      await history.compare();
    }
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), run), { numRuns: runs, seed });
  console.log(`histories of MODEL_SEED=${seed}:`, Object.fromEntries([...History.seen].sort()));
  expect(mustSee.filter((what) => !History.seen.has(what))).toEqual([]);
});
