/** The relay and the consumers in the process: what is delivered, in which order, and when something does not work. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { EventLog } from '../engine/event-log.ts';
import { accept, reject, unavailable } from '../engine/outcome.ts';
import { OutboxBench, topic } from '../test/sim/outbox-bench.ts';

let bench: OutboxBench;

beforeEach(() => {
  bench = new OutboxBench();
});

describe('the relay', () => {
  it('hands over every event of its topic, those of one key in order, and marks the bench.rows after', async () => {
    bench.write(topic, 'a:1', 'b:1', 'a:2');
    bench.write('queue-events', 'a:x');
    bench.write(topic, 'a:3', 'b:2');
    bench.start();
    await bench.world.runUntil(14);
    // Nobody follows the other topic: its row is done.
    expect(bench.unmarked()).toEqual(['1', '3']);
    await bench.world.runUntil(150);
    const of = (key: string) => bench.handed.filter((event) => event.startsWith(key));
    expect([of('a'), of('b')]).toEqual([
      ['a:1', 'a:2', 'a:3'],
      ['b:1', 'b:2'],
    ]);
    expect(bench.unmarked()).toEqual([]);
  });

  it('hands an event to each consumer of its topic', async () => {
    bench.write(topic, 'a:1');
    const others = [{ name: 'one' }, { name: 'two' }, { name: 'three', of: 'queue-events' as const }];
    bench.start({ consumers: others.map((other) => bench.consumer(other)) });
    await bench.world.runUntil(150);
    expect(bench.handed).toEqual(['a:1', 'a:1']);
  });

  it('looks at once when it is woken, and by itself soon after', async () => {
    const relay = bench.start();
    await bench.world.runUntil(1_000);
    bench.write(topic, 'a:1');
    bench.wake(relay);
    await bench.world.runUntil(1_020);
    expect(bench.handed).toEqual(['a:1']);
    await bench.world.runUntil(2_000);
    bench.write(topic, 'a:2');
    await bench.world.runUntil(2_250);
    expect(bench.handed).toEqual(['a:1', 'a:2']);
  });

  it('is woken once by all who write at once', async () => {
    const relay = bench.start();
    await bench.world.runUntil(1_010);
    const turns = () => bench.world.history.filter((line) => line.endsWith(' turn')).length;
    const before = turns();
    for (let i = 0; i < 100; i++) bench.wake(relay);
    await bench.world.runUntil(1_012);
    expect(turns() - before).toBe(1);
    bench.write(topic, 'a:1');
    bench.wake(relay);
    await bench.world.runUntil(1_040);
    expect(bench.handed).toEqual(['a:1']);
  });

  it('takes a thousand bench.rows, each once', async () => {
    for (let i = 0; i < 1_000; i++) bench.write(topic, `${i % 50}:${i}`);
    bench.start();
    await bench.world.runUntil(5_000);
    expect(bench.handed).toHaveLength(1_000);
    expect(new Set(bench.handed).size).toBe(1_000);
    for (let key = 0; key < 50; key++) {
      const numbers = bench.handed
        .filter((event) => event.startsWith(`${key}:`))
        .map((event) => Number(event.split(':')[1]));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
  });
});

describe('an event that its consumer', () => {
  it('refuses for good becomes a dead letter at once, and the next of its key flows', async () => {
    bench.write(topic, 'a:1', 'a:2');
    bench.says.set('a:1', () => reject('INVALID_STATE', undefined, 'of no use'));
    bench.start();
    await bench.world.runUntil(150);
    expect(bench.letters).toEqual([{ consumer: 'c', id: 'a:1', error: 'INVALID_STATE: of no use', attempts: 1 }]);
    expect(bench.handed).toEqual(['a:1', 'a:2']);
    expect(bench.unmarked()).toEqual([]);
  });

  it.each([
    ['cannot take now', () => unavailable('later'), 'SERVICE_UNAVAILABLE: later'],
    [
      'throws on',
      () => {
        throw new Error('a bug');
      },
      'SERVICE_UNAVAILABLE: Error: a bug',
    ],
  ])('%s is tried six times, later each time, while other keys flow', async (_, answer, error) => {
    bench.write(topic, 'poison:1', 'poison:2', 'a:1');
    bench.says.set('poison:1', answer);
    const relay = bench.start();
    await bench.world.runUntil(1_000);
    bench.write(topic, 'a:2');
    bench.wake(relay);
    await bench.world.runUntil(1_100);
    // Tried at about 15, 125, 335, 745 …: the poison is not dead yet, and nobody waited for it.
    expect(bench.handed).toEqual(['poison:1', 'a:1', 'poison:1', 'poison:1', 'poison:1', 'a:2']);
    expect([bench.letters, bench.unmarked()]).toEqual([[], ['1']]);
    await bench.world.runUntil(5_000);
    expect(bench.letters).toEqual([{ consumer: 'c', id: 'poison:1', error, attempts: 6 }]);
    expect(bench.handed.slice(-3)).toEqual(['poison:1', 'poison:1', 'poison:2']);
    expect(bench.unmarked()).toEqual([]);
  });

  it('takes at the second try is not overtaken by the next of its key, not even of another row', async () => {
    bench.write(topic, 'a:1');
    bench.write(topic, 'a:2');
    let tries = 0;
    bench.says.set('a:1', () => (++tries === 1 ? unavailable('once') : accept(null)));
    bench.start();
    await bench.world.runUntil(1_000);
    expect(bench.handed).toEqual(['a:1', 'a:1', 'a:2']);
  });
});

describe('a relay that', () => {
  it('cannot mark what it delivered delivers it again', async () => {
    bench.write(topic, 'a:1');
    bench.failing = ['markPublished'];
    bench.start();
    await bench.world.runUntil(1_000);
    expect(bench.handed).toEqual(['a:1', 'a:1']);
    expect(bench.unmarked()).toEqual([]);
    expect(bench.failures).toEqual(['Error: markPublished failed']);
  });

  it('dies between the two is followed by one that delivers again', async () => {
    bench.write(topic, 'a:1', 'a:2');
    const relay = bench.start();
    await bench.world.runUntil(28);
    expect([bench.handed, bench.unmarked()]).toEqual([['a:1', 'a:2'], ['1']]);
    bench.failing = ['markPublished'];
    bench.actors.stop(relay.ref);
    await bench.world.runUntil(100);
    bench.start();
    await bench.world.runUntil(1_000);
    expect(bench.handed).toEqual(['a:1', 'a:2', 'a:1', 'a:2']);
    expect(bench.unmarked()).toEqual([]);
  });

  it('cannot read the outbox tries again', async () => {
    bench.write(topic, 'a:1');
    bench.failing = ['unpublished', 'unpublished'];
    bench.start();
    await bench.world.runUntil(1_000);
    expect(bench.handed).toEqual(['a:1']);
  });

  it('cannot write a dead letter keeps the event, and what follows it, for the next try', async () => {
    bench.write(topic, 'a:1', 'b:1');
    bench.write(topic, 'a:2');
    bench.says.set('a:1', () => reject('NOT_FOUND'));
    bench.failing = ['deadLetter'];
    bench.start();
    await bench.world.runUntil(50);
    expect(bench.handed.filter((event) => event.startsWith('a'))).toEqual(['a:1']);
    await bench.world.runUntil(1_000);
    expect(bench.letters.map(({ id }) => id)).toEqual(['a:1']);
    expect(bench.handed.filter((event) => event.startsWith('a'))).toEqual(['a:1', 'a:1', 'a:2']);
    expect(bench.unmarked()).toEqual([]);
  });

  it.each(['[{', '{}', '[1]', '[{"id":"a:1"}]'])('meets a row that holds %s parks it, and goes on', async (events) => {
    bench.writeText(topic, events);
    bench.write(topic, 'a:1');
    bench.start();
    await bench.world.runUntil(150);
    expect(bench.handed).toEqual(['a:1']);
    expect(bench.unmarked()).toEqual([]);
    expect(bench.letters).toMatchObject([{ consumer: 'outbox-relay', error: 'this is no envelope' }]);
  });

  it('learns of a failure while it has more rows in hand lets none of them past those that failed', async () => {
    // The log fails once, at any moment of the relay's round, and takes everything from then on.
    for (let failsAfterMs = 1; failsAfterMs <= 80; failsAfterMs++) {
      bench = new OutboxBench(() => 20);
      const published: string[] = [];
      let failed = false;
      const log: EventLog = {
        publish: (_, events) =>
          new Promise((resolve, reject) => {
            if (failed) {
              published.push(...events.map(({ id }) => id));
              return resolve([]);
            }
            bench.world.later(failsAfterMs, 'publish', () => {
              failed = true;
              reject(new Error('the broker went away'));
            });
          }),
        follow: () => {},
        close: async () => {},
      };
      bench.write(topic, 'a:1');
      const relay = bench.start({ log });
      bench.world.later(70, 'write', () => {
        bench.write(topic, 'a:2');
        bench.wake(relay);
      });
      await bench.world.runUntil(1_000);
      expect(published, `failed after ${failsAfterMs} ms`).toEqual(['a:1', 'a:2']);
      bench.actors.stopAll();
    }
  });

  it('has two thousand bench.rows under way takes no more until some are done', async () => {
    for (let i = 0; i < 2_100; i++) bench.write(topic, `${i}:1`);
    for (const { events } of bench.rows)
      bench.says.set(JSON.parse(events)[0].id, () => unavailable('the consumer is away'));
    bench.start();
    await bench.world.runUntil(2_000);
    expect(new Set(bench.handed).size).toBe(2_000);
    bench.says.clear();
    await bench.world.runUntil(10_000);
    expect(new Set(bench.handed).size).toBe(2_100);
    expect(bench.unmarked()).toEqual([]);
  });
});
