/** What the event bus adds to the relay: consumers that take several at once, one relay of many, and a log between. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { EventLog } from '../engine/event-log.ts';
import { reject } from '../engine/outcome.ts';
import { OutboxBench, topic } from '../test/sim/outbox-bench.ts';

let bench: OutboxBench;

beforeEach(() => {
  bench = new OutboxBench();
});

describe('a consumer that takes several at once', () => {
  it('gets what waits for it together, of all rows, in order', async () => {
    bench.write(topic, 'a:1', 'b:1', 'a:2');
    bench.write(topic, 'b:2');
    bench.start({ consumers: [bench.consumer({ eventsMax: 2 })] });
    await bench.world.runUntil(1_000);
    expect(bench.handed).toEqual(['a:1 b:1', 'a:2 b:2']);
  });

  it('that cannot use one of them loses only that one', async () => {
    bench.write(topic, 'a:1', 'b:1', 'c:1');
    bench.says.set('b:1', () => reject('VALIDATION_ERROR'));
    bench.start({ consumers: [bench.consumer({ eventsMax: 10 })] });
    await bench.world.runUntil(1_000);
    expect(bench.handed).toEqual(['a:1 b:1 c:1', 'a:1', 'b:1', 'c:1']);
    expect(bench.letters).toMatchObject([{ id: 'b:1', attempts: 1 }]);
    expect(bench.unmarked()).toEqual([]);
  });
});

describe('of two relays, the one', () => {
  it('that has not the lock does nothing, and takes over within two seconds', async () => {
    bench.lockFree = false;
    bench.write(topic, 'a:1');
    const relay = bench.start();
    bench.wake(relay);
    await bench.world.runUntil(2_000);
    expect([bench.handed, bench.unmarked()]).toEqual([[], ['1']]);
    bench.lockFree = true;
    await bench.world.runUntil(4_000);
    expect(bench.handed).toEqual(['a:1']);
  });

  it('that loses the lock begins nothing more', async () => {
    bench.write(topic, 'a:1');
    bench.start();
    await bench.world.runUntil(100);
    bench.lockFree = false;
    bench.loseLock();
    await bench.world.runUntil(200);
    bench.write(topic, 'a:2');
    await bench.world.runUntil(5_000);
    expect(bench.handed).toEqual(['a:1']);
  });
});

describe('a log', () => {
  /** Appends after 10 ms, from `backAtMs` on; until then every call fails, as those do that were made before it. */
  let appended: string[];
  let backAtMs: number;
  let followers: ((text: string) => Promise<void>)[];
  const tooLarge = new Set<string>();
  const log: EventLog = {
    publish: (to, events) =>
      new Promise((resolve, reject) => {
        const called = bench.world.clock.now();
        bench.world.later(10, `append to ${to}`, () => {
          if (called < backAtMs) return reject(new Error('no broker'));
          appended.push(...events.filter(({ id }) => !tooLarge.has(id)).map(({ id }) => `${to} ${id}`));
          resolve(events.filter(({ id }) => tooLarge.has(id)));
        });
      }),
    follow: (_, take) => {
      followers.push((text) => take([{ key: 'k', text }]));
    },
    close: async () => {},
  };

  beforeEach(() => {
    [appended, followers, backAtMs] = [[], [], 0];
    tooLarge.clear();
  });

  it('gets every row, whoever follows it', async () => {
    bench.write(topic, 'a:1', 'b:1');
    bench.write('queue-events', 'e:1');
    bench.start({ log });
    await bench.world.runUntil(150);
    expect(appended).toEqual([`${topic} a:1`, `${topic} b:1`, 'queue-events e:1']);
    expect([bench.handed, bench.unmarked()]).toEqual([[], []]);
  });

  // Back at 14 ms: when the first rows have failed, those after them are just being fetched.
  it.each([14, 1_000])('that is away until %i ms gets everything in order when it is back', async (awayMs) => {
    for (let i = 1; i <= 9; i++) bench.write(topic, `a:${i}`);
    backAtMs = awayMs;
    const relay = bench.start({ log });
    await bench.world.runUntil(12);
    bench.write(topic, 'a:10');
    bench.wake(relay);
    await bench.world.runUntil(5_000);
    const first = appended.filter((entry, at) => appended.indexOf(entry) === at);
    expect(first).toEqual(Array.from({ length: 10 }, (_, i) => `${topic} a:${i + 1}`));
    expect(bench.unmarked()).toEqual([]);
  });

  it('that will not take an event, or has no such topic, costs only that event', async () => {
    bench.write(topic, 'a:1', 'a:2');
    bench.write('unknown', 'x:1');
    tooLarge.add('a:1');
    bench.start({ log });
    await bench.world.runUntil(500);
    expect(appended).toEqual([`${topic} a:2`]);
    expect(bench.letters.map(({ id, error }) => `${id} ${error}`)).toEqual([
      'x:1 there is no such topic',
      'a:1 too large for the log',
    ]);
    expect(bench.unmarked()).toEqual([]);
  });

  it('hands its consumers what they are to know, and parks what is no envelope', async () => {
    bench.start({ log });
    const [follower] = followers;
    const took = Promise.all(['{"id":"a:1","type":"said","subject":"a"}', 'noise'].map((text) => follower?.(text)));
    await bench.world.runUntil(500);
    await took;
    expect(bench.handed).toEqual(['a:1']);
    expect(bench.letters).toMatchObject([{ consumer: 'log-follower', id: 'k' }]);
  });
});
