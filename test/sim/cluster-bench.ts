/**
 * A small cluster in a simulated world: nodes with a membership each, over one register, one gate and one ledger in memory,
 * and a network between them that can be cut. A node can die, sleep, leave and come back.
 */
import { type Cluster, startCluster } from '../../actors/cluster/cluster.ts';
import type { Shards } from '../../actors/cluster/shards.ts';
import { type Actors, createActors } from '../../actors/kit.ts';
import { type LocalZone, startZone } from '../../actors/zone.ts';
import { type Reservation, reserve, type ZoneAddress, type ZoneRequest, zoneWire } from '../../actors/zone-requests.ts';
import type { ZoneLimits } from '../../actors/zone-state.ts';
import type { Outcome } from '../../engine/outcome.ts';
import type { World } from '../../engine/ports.ts';
import { createMemoryGate, type MemoryGate } from '../../persistence/memory/gate.ts';
import { createMemoryJournal } from '../../persistence/memory/journal.ts';
import { createMemoryLedger, type MemoryLedger } from '../../persistence/memory/ledger.ts';
import { createMemoryRegister, type MemoryRegister } from '../../persistence/memory/register.ts';
import { createMeshNetwork } from '../mesh-in-memory.ts';
import { digest, userIdOf } from './buyers.ts';
import { faultyWire, Tally, type Weather } from './faults.ts';
import { SimulatedWorld } from './world.ts';

export const clusterLimits = { beatMs: 500, memberTtlMs: 2_500 };
const limits: ZoneLimits = {
  batchMax: 8,
  inboxMax: 200,
  waitMaxMs: 200,
  commitsMax: 2,
  holdTtlMs: 600_000,
  ack: 'durable',
};
const startMs = Date.parse('2027-03-01T12:00:00.000Z');

export interface BenchNode {
  readonly nodeId: string;
  readonly cluster: Cluster;
  readonly zones: Shards<ZoneAddress, LocalZone>;
  /** As kill -9. */
  kill(): void;
  /** Nothing of the node runs, and its calls that are under way happen all the same; the answer wakes it. */
  sleep(): () => void;
}

/** What becomes of one buyer's wish: asked again with the same key until it is answered other than "not now". */
export interface Wish {
  readonly zoneId: string;
  readonly key: string;
  tries: number;
  outcome: Outcome<Reservation> | null;
  readonly answeredAtMs: number[];
}

export class ClusterBench {
  readonly world: SimulatedWorld;
  readonly weather: Weather = { loss: 0 };
  readonly tally = new Tally();
  readonly register: MemoryRegister;
  readonly gate: MemoryGate;
  readonly ledger: MemoryLedger;
  readonly network: ReturnType<typeof createMeshNetwork>;
  readonly nodes = new Map<string, BenchNode>();
  readonly eventId: string;
  readonly zoneIds: readonly string[];
  readonly wishes: Wish[] = [];
  #starts = 0;

  constructor(seed: number, zones: number, capacity: number) {
    this.world = new SimulatedWorld(seed, startMs, (random) => random.next());
    const wire = faultyWire(this.world, this.weather, { tally: this.tally, happened: () => {} });
    const { clock } = this.world;
    this.register = createMemoryRegister({ memberTtlMs: clusterLimits.memberTtlMs, now: clock.now }, wire);
    this.gate = createMemoryGate(wire);
    this.ledger = createMemoryLedger(clock.now, wire);
    this.network = createMeshNetwork(this.world);
    this.eventId = this.world.ids.next();
    this.zoneIds = Array.from({ length: zones }, () => this.world.ids.next());
    const terms = { priceMinor: 100, currency: 'THB', maxPerUser: 1_000_000 };
    for (const zoneId of this.zoneIds) this.ledger.addZone({ eventId: this.eventId, zoneId, capacity, ...terms });
  }

  get nowMs(): number {
    return this.world.clock.now();
  }

  pass(ms: number): Promise<void> {
    return this.world.runUntil(this.nowMs + ms);
  }

  start(nodeId: string): BenchNode {
    const own = new NodeWorld(this.world);
    const actors = createActors(own, createMemoryJournal(), { crashed: () => {}, abandoned: () => {} });
    const mesh = this.network.join(nodeId);
    const note = (what: string) => {
      this.tally.add(what);
      this.world.note(`${nodeId}: ${what}`);
    };
    const cluster = startCluster({
      actors,
      register: this.register,
      mesh,
      nodeId,
      limits: clusterLimits,
      describe: () => ({ zones: [], rooms: [], sagas: 0 }),
      watch: {
        changed: ({ members }) => note(`view of ${members.length}`),
        missed: () => note('beat missed'),
        lapsed: () => note('lapsed'),
        replaced: () => note('replaced'),
        forwarded: (kind, result) => note(`${kind} ${result}`),
        notReleased: () => note('lease not given back'),
      },
    });
    const zones = cluster.settle<ZoneRequest, LocalZone>('zone', {
      wire: zoneWire,
      leased: true,
      start: (zoneId) => this.#startZone(zoneId, actors, cluster, note),
      end: (zone, graceMs) => zone.close(graceMs),
    });
    const start = ++this.#starts;
    const node: BenchNode = {
      nodeId,
      cluster,
      zones,
      kill: () => {
        own.end();
        actors.stopAll();
        void mesh.close();
        if (this.nodes.get(nodeId) === node) this.nodes.delete(nodeId);
        note(`killed (start ${start})`);
      },
      sleep: () => own.sleep(),
    };
    this.nodes.set(nodeId, node);
    return node;
  }

  #startZone(zoneId: string, actors: Actors, cluster: Cluster, note: (what: string) => void): LocalZone {
    return startZone(zoneId, {
      actors,
      gate: this.gate,
      ledger: this.ledger,
      lease: (id) => cluster.lease({ kind: 'zone', id }),
      limits,
      watch: {
        batched: () => {},
        timed: () => () => {},
        doubted: (_, why) => note(`doubt: ${why}`),
        refused: (by, why) => note(`${by} refused: ${why}`),
      },
    });
  }

  /** Somebody wants a seat, and asks any node that is there until the answer is other than "not now". */
  wish(zoneId: string): Wish {
    const wish: Wish = {
      zoneId,
      key: digest(`wish ${this.wishes.length}`),
      tries: 0,
      outcome: null,
      answeredAtMs: [],
    };
    this.wishes.push(wish);
    this.#ask(wish, userIdOf(this.wishes.length));
    return wish;
  }

  #ask(wish: Wish, userId: string): void {
    const again = () => void this.world.later(100, 'asks again', () => this.#ask(wish, userId));
    const nodes = [...this.nodes.values()];
    const node = nodes[Math.floor(nodes.length * this.world.random.next())];
    if (!node) {
      again();
      return;
    }
    wish.tries++;
    let heard = false;
    const give = (outcome: Outcome<Reservation> | null) => {
      if (heard) return;
      heard = true;
      wish.answeredAtMs.push(this.nowMs);
      if (outcome && (outcome.ok || outcome.rejection.code !== 'SERVICE_UNAVAILABLE')) wish.outcome = outcome;
      else again();
    };
    // A client's own patience: a node that died or sleeps answers nothing.
    this.world.later(6_000, 'loses patience', () => give(null));
    const { key, zoneId } = wish;
    const deadlineMs = this.nowMs + 3_000;
    reserve(node.zones.find(zoneId), { userId, key, fingerprint: key, quantity: 1, deadlineMs, reply: give });
  }

  /** What is broken when everything is at rest: acked and not there, there twice, or more than the capacity. */
  broken(): string[] {
    const bookings = [...this.ledger.tables.bookings.values()];
    const found: string[] = [];
    for (const { key, outcome } of this.wishes) {
      const made = bookings.filter((booking) => booking.key === key);
      if (made.length > 1) found.push(`${key} made ${made.length} bookings`);
      if (outcome === null) found.push(`${key} was never answered`);
      if (outcome?.ok && made[0]?.bookingId !== outcome.value.bookingId)
        found.push(`${key} was acknowledged and is lost`);
      if (outcome && !outcome.ok && made.length > 0) found.push(`${key} was refused and made a booking`);
    }
    for (const zoneId of this.zoneIds) {
      const row = this.ledger.tables.zones.get(zoneId);
      const held = bookings.filter((booking) => booking.zoneId === zoneId).length;
      if (!row || row.held !== held || row.available + held !== row.capacity || row.available < 0)
        found.push(`seats of ${zoneId} are not conserved`);
    }
    return found;
  }
}

/** The world of one node: it ends with the node, and stands still while the node sleeps. */
class NodeWorld implements World {
  readonly clock: World['clock'];
  readonly ids: World['ids'];
  readonly random: World['random'];
  readonly timers: World['timers'];
  readonly turns: World['turns'];
  readonly thread: World['thread'];
  #ended = false;
  #asleep: (() => void)[] | null = null;

  constructor(world: World) {
    const { clock, ids, random, thread } = world;
    [this.clock, this.ids, this.random, this.thread] = [clock, ids, random, thread];
    this.timers = { after: (delayMs, run) => world.timers.after(delayMs, () => this.#run(run)) };
    this.turns = { schedule: (run) => world.turns.schedule((done) => this.#run(() => run(done))) };
  }

  #run(work: () => void): void {
    if (this.#ended) return;
    if (this.#asleep) this.#asleep.push(work);
    else work();
  }

  end(): void {
    this.#ended = true;
  }

  sleep(): () => void {
    this.#asleep = [];
    return () => {
      const missed = this.#asleep ?? [];
      this.#asleep = null;
      for (const work of missed) this.#run(work);
    };
  }
}
