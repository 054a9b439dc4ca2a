/** Work that gives way: what share of the thread it takes beside a sale, and that it gets on all the same. */
import { describe, expect, it } from 'vitest';
import type { EventLog } from '../engine/event-log.ts';
import { OutboxBench, topic } from '../test/sim/outbox-bench.ts';
import { SimulatedWorld } from '../test/sim/world.ts';
import { createPace } from './pace.ts';

/** Works `busyMs` of every ten, and is late when something else has the thread. Counts its rounds. */
function startSale(world: SimulatedWorld, busyMs: number): { rounds: number } {
  const sale = { rounds: 0 };
  const round = () => {
    sale.rounds++;
    world.work(busyMs);
    world.later(10 - busyMs, 'sale', round);
  };
  world.later(0, 'sale', round);
  return sale;
}

/** Steps of so many milliseconds of work, one after the other; their number. */
function startSteps(world: SimulatedWorld, stepMs: number): { steps: number } {
  const pace = createPace(world);
  const done = { steps: 0 };
  const step = () => {
    const rest = pace.begin();
    world.work(stepMs);
    done.steps++;
    rest().then(
      () => world.later(0, 'step', step),
      () => {},
    );
  };
  world.later(0, 'step', step);
  return done;
}

describe('a step', () => {
  it('is followed by a rest as long as itself where nothing else is to be done', async () => {
    const world = new SimulatedWorld(1, 0);
    const done = startSteps(world, 5);
    await world.runUntil(999);
    expect(done.steps).toBe(100);
  });

  it.each([
    [3, 70],
    [7, 80],
  ])('beside a sale that works %i of 10 ms leaves it its pace', async (busyMs, roundsMin) => {
    const world = new SimulatedWorld(1, 0);
    const sale = startSale(world, busyMs);
    const done = startSteps(world, 5);
    await world.runUntil(1_000);
    expect(sale.rounds).toBeGreaterThanOrEqual(roundsMin);
    expect(done.steps).toBeGreaterThanOrEqual(20);
  });

  it('beside a sale that never rests comes four times a second', async () => {
    const world = new SimulatedWorld(1, 0);
    const sale = startSale(world, 10);
    const done = startSteps(world, 5);
    await world.runUntil(10_000);
    expect(done.steps).toBeGreaterThanOrEqual(35);
    expect(done.steps).toBeLessThanOrEqual(41);
    expect(sale.rounds).toBeGreaterThan(950);
  });

  it('that had nothing to do is followed by none', async () => {
    const world = new SimulatedWorld(1, 0);
    await createPace(world).begin()();
    expect(world.clock.now()).toBe(0);
  });
});

describe('a backlog of twelve thousand events', () => {
  it.each([
    [0, 0.4],
    [7, 0.7],
  ])('drains in order beside a sale that works %i of 10 ms, and leaves it its share', async (busyMs, share) => {
    const bench = new OutboxBench();
    const { world } = bench;
    const appended: string[] = [];
    /** An event costs the thread a twentieth of a millisecond. */
    const log: EventLog = {
      publish: (_, events) =>
        new Promise((resolve) => {
          world.later(3, 'append', () => {
            world.work(0.05 * events.length);
            appended.push(...events.map(({ id }) => id));
            resolve([]);
          });
        }),
      follow: () => {},
      close: async () => {},
    };
    const data = { text: 'x'.repeat(280) };
    const ids = Array.from({ length: 12_000 }, (_, at) => `a:${at}`);
    for (let from = 0; from < ids.length; from += 30) {
      const events = ids.slice(from, from + 30).map((id) => ({ id, type: 'said', subject: 'a', data }));
      bench.writeText(topic, JSON.stringify(events));
    }
    const sale = startSale(world, busyMs);
    bench.start({ log });
    let drainedMs = 0;
    while (appended.length < ids.length && drainedMs < 60_000) {
      drainedMs += 100;
      await world.runUntil(drainedMs);
    }
    expect(appended).toEqual(ids);
    expect(sale.rounds / (drainedMs / 10)).toBeGreaterThan(share);
  });
});
