/**
 * A sale in a simulated world: two zone actors of one event over the stores in memory, buyers who ask for everything
 * that a zone can do, and faults of every kind in between. Then the faults end, and everything has to come to rest.
 */
import { createActors } from '../../actors/kit.ts';
import { startZone } from '../../actors/zone.ts';
import { cancel } from '../../actors/zone-requests.ts';
import type { ZoneLimits, ZoneWatch } from '../../actors/zone-state.ts';
import type { Gate } from '../../engine/ports.ts';
import { createMemoryGate } from '../../persistence/memory/gate.ts';
import { createMemoryJournal } from '../../persistence/memory/journal.ts';
import { createMemoryLedger } from '../../persistence/memory/ledger.ts';
import { haveAccidents } from './accidents.ts';
import { Buyers } from './buyers.ts';
import { faultyWire, Tally, type Weather } from './faults.ts';
import { checkAtRest, checkLevelGate, checkSeats } from './promises.ts';
import { capacity, holdTtlMs, maxPerUser, type Sale } from './stage.ts';
import { SimulatedWorld } from './world.ts';

const startMs = Date.parse('2027-03-01T23:59:59.000Z');
const stormMs = 1_500;
const calmMs = 30_000;

/** Runs one sale and answers what happened, what was generated and what broke. */
export async function runSale(seed: number): Promise<Pick<Sale, 'broken' | 'tally'> & { readonly history: string }> {
  const weather = { loss: 0.015 };
  const sale = openSale(seed, weather);
  const { world, tally, broken } = sale;
  const crash = { armed: false };
  const zones = startZones(sale, crash);
  const buyers = new Buyers(sale, zones);
  buyers.come(90, stormMs);
  haveAccidents(sale, crash, stormMs);
  await world.runUntil(startMs + stormMs);
  weather.loss = 0;
  crash.armed = false;
  await world.runUntil(startMs + stormMs + calmMs);
  broken.push(...checkLevelGate(sale).map((what) => `before the probe: ${what}`));
  // A gate that was flushed after the last request is found out by the next one.
  for (const zone of zones)
    cancel(zone, world.ids.next(), { deadlineMs: Number.POSITIVE_INFINITY, reply: () => tally.add('probed') });
  await world.runUntil(startMs + stormMs + 2 * calmMs);
  broken.push(...[...buyers.check(), ...checkAtRest(sale)].map((what) => `at rest: ${what}`));
  return { broken, tally, history: world.history.join('\n') };
}

function openSale(seed: number, weather: Weather): Sale {
  const world = new SimulatedWorld(seed, startMs, (random) => 2 * random.next());
  const tally = new Tally();
  const broken: string[] = [];
  const happened = () => broken.push(...checkSeats(sale));
  const wire = faultyWire(world, weather, { tally, happened });
  const eventId = world.ids.next();
  const zoneIds = [world.ids.next(), world.ids.next()];
  const ledger = createMemoryLedger(world.clock.now, wire);
  const terms = { priceMinor: 100, currency: 'THB', maxPerUser };
  for (const zoneId of zoneIds) ledger.addZone({ eventId, zoneId, capacity, ...terms });
  const sale: Sale = { world, gate: createMemoryGate(wire), ledger, eventId, zoneIds, tally, broken };
  return sale;
}

function startZones(sale: Sale, crash: { armed: boolean }) {
  const { world, ledger, tally } = sale;
  const maybeCrash = (where: string) => {
    if (!crash.armed) return;
    crash.armed = false;
    tally.add(`crash in ${where}`);
    throw new Error(`simulated crash in ${where}`);
  };
  const watch: ZoneWatch = {
    refused: (by, why) => tally.add(`${by} refused a batch: ${why}`),
    batched: () => maybeCrash('batched'),
    timed(stage) {
      maybeCrash(stage);
      return () => {};
    },
    doubted(zoneId, why) {
      world.note(`doubt ${zoneId}: ${why}`);
      tally.add(`doubt: ${why}`);
      maybeCrash('doubt');
    },
  };
  const actors = createActors(world, createMemoryJournal(), {
    crashed: (name, error) => world.note(`${name} crashed: ${error}`),
    abandoned: (name) => world.note(`${name} abandoned a message`),
  });
  const limits: ZoneLimits = { batchMax: 8, inboxMax: 200, waitMaxMs: 200, commitsMax: 2, holdTtlMs, ack: 'durable' };
  const deps = { actors, lease: async () => {}, gate: persistent(sale), ledger, limits, watch };
  return sale.zoneIds.map((zoneId) => startZone(zoneId, deps));
}

/** A gate that repeats a batch once when its answer was lost, as the one over Redis does. */
function persistent({ gate, tally }: Sale): Gate {
  return {
    ...gate,
    apply: (batch) =>
      gate.apply(batch).catch(() => {
        tally.add('batch repeated');
        return gate.apply(batch);
      }),
  };
}
