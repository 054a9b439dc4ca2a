/** The relay in a simulated world: what is delivered, in which order, and what happens when something does not work. */
import { beforeEach, describe, expect, it } from 'vitest';
import { accept, type Outcome, reject, unavailable } from '../engine/outcome.ts';
import type { Outbox } from '../engine/ports.ts';
import { createMemoryJournal } from '../persistence/memory/journal.ts';
import { SimulatedWorld } from '../test/sim/world.ts';
import { type Actors, createActors } from './kit.ts';
import { type Consumer, startRelay, wakeRelay } from './outbox.ts';

interface Row {
  readonly seq: string;
  readonly topic: string;
  readonly events: string;
  published: boolean;
}

let world: SimulatedWorld;
let actors: Actors;
let rows: Row[];
let letters: { consumer: string; id: string; error: string; attempts: number }[];
/** What each consumer was handed: `key:id`. */
let handed: string[];
let failures: string[];
/** How the next calls of the outbox fail, by name. */
let failing: string[];
/** What a consumer says to an event, by its id; taken when nothing is said. */
let says: Map<string, () => Outcome<null>>;

beforeEach(() => {
  world = new SimulatedWorld(1, 0);
  actors = createActors(world, createMemoryJournal(), {
    crashed: (_, error) => failures.push(String(error)),
    abandoned: () => {},
  });
  [rows, letters, handed, failures, failing, says] = [[], [], [], [], [], new Map()];
});

/** One row; each event is `key:id`. */
function write(topic: string, ...events: readonly string[]): void {
  const envelopes = events.map((event) => ({ subject: event.split(':')[0], id: event }));
  rows.push({ seq: String(rows.length + 1), topic, events: JSON.stringify(envelopes), published: false });
}

const outbox: Outbox = {
  unpublished: (max, except) =>
    call('unpublished', () => rows.filter((row) => !row.published && !except.includes(row.seq)).slice(0, max)),
  markPublished: (seqs) =>
    call('markPublished', () => {
      for (const row of rows) row.published ||= seqs.includes(row.seq);
    }),
  deadLetter: ({ consumer, event, error, attempts }) =>
    call('deadLetter', () => void letters.push({ consumer, id: event.id, error, attempts })),
};

function call<T>(name: string, effect: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    world.later(5, name, () => {
      if (failing[0] !== name) return resolve(effect());
      failing.shift();
      reject(new Error(`${name} failed`));
    });
  });
}

const consumer = (name = 'c', topic = 't'): Consumer => ({
  name,
  topic,
  handle: (event) =>
    new Promise((resolve, reject) => {
      world.later(10, `handle ${event.id}`, () => {
        handed.push(event.id);
        try {
          resolve((says.get(event.id) ?? (() => accept(null)))());
        } catch (error) {
          reject(error);
        }
      });
    }),
});

const start = (...consumers: readonly Consumer[]) =>
  startRelay({
    actors,
    outbox,
    consumers: consumers.length > 0 ? consumers : [consumer()],
    watch: { delivered: () => {}, failed: (error) => failures.push(String(error)) },
  });

const unmarked = () => rows.filter((row) => !row.published).map((row) => row.seq);

describe('the relay', () => {
  it('hands over every event of its topic, those of one key in order, and marks the rows after', async () => {
    write('t', 'a:1', 'b:1', 'a:2');
    write('other', 'a:x');
    write('t', 'a:3', 'b:2');
    start();
    await world.runUntil(14);
    // Nobody follows the other topic: its row is done.
    expect(unmarked()).toEqual(['1', '3']);
    await world.runUntil(150);
    const of = (key: string) => handed.filter((event) => event.startsWith(key));
    expect([of('a'), of('b')]).toEqual([
      ['a:1', 'a:2', 'a:3'],
      ['b:1', 'b:2'],
    ]);
    expect(unmarked()).toEqual([]);
  });

  it('hands an event to each consumer of its topic', async () => {
    write('t', 'a:1');
    start(consumer('one'), consumer('two'), consumer('three', 'another'));
    await world.runUntil(150);
    expect(handed).toEqual(['a:1', 'a:1']);
  });

  it('looks at once when it is woken, and by itself soon after', async () => {
    const relay = start();
    await world.runUntil(1_000);
    write('t', 'a:1');
    wakeRelay(actors, relay);
    await world.runUntil(1_020);
    expect(handed).toEqual(['a:1']);
    await world.runUntil(2_000);
    write('t', 'a:2');
    await world.runUntil(2_250);
    expect(handed).toEqual(['a:1', 'a:2']);
  });

  it('takes a thousand rows, each once', async () => {
    for (let i = 0; i < 1_000; i++) write('t', `${i % 50}:${i}`);
    start();
    await world.runUntil(5_000);
    expect(handed).toHaveLength(1_000);
    expect(new Set(handed).size).toBe(1_000);
    for (let key = 0; key < 50; key++) {
      const numbers = handed.filter((event) => event.startsWith(`${key}:`)).map((event) => Number(event.split(':')[1]));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
  });
});

describe('an event that its consumer', () => {
  it('refuses for good becomes a dead letter at once, and the next of its key flows', async () => {
    write('t', 'a:1', 'a:2');
    says.set('a:1', () => reject('INVALID_STATE', undefined, 'of no use'));
    start();
    await world.runUntil(150);
    expect(letters).toEqual([{ consumer: 'c', id: 'a:1', error: 'INVALID_STATE: of no use', attempts: 1 }]);
    expect(handed).toEqual(['a:1', 'a:2']);
    expect(unmarked()).toEqual([]);
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
    write('t', 'poison:1', 'poison:2', 'a:1');
    says.set('poison:1', answer);
    const relay = start();
    await world.runUntil(1_000);
    write('t', 'a:2');
    wakeRelay(actors, relay);
    await world.runUntil(1_100);
    // Tried at about 15, 125, 335, 745 …: the poison is not dead yet, and nobody waited for it.
    expect(handed).toEqual(['poison:1', 'a:1', 'poison:1', 'poison:1', 'poison:1', 'a:2']);
    expect([letters, unmarked()]).toEqual([[], ['1']]);
    await world.runUntil(5_000);
    expect(letters).toEqual([{ consumer: 'c', id: 'poison:1', error, attempts: 6 }]);
    expect(handed.slice(-3)).toEqual(['poison:1', 'poison:1', 'poison:2']);
    expect(unmarked()).toEqual([]);
  });

  it('takes at the second try is not overtaken by the next of its key, not even of another row', async () => {
    write('t', 'a:1');
    write('t', 'a:2');
    let tries = 0;
    says.set('a:1', () => (++tries === 1 ? unavailable('once') : accept(null)));
    start();
    await world.runUntil(1_000);
    expect(handed).toEqual(['a:1', 'a:1', 'a:2']);
  });
});

describe('a relay that', () => {
  it('cannot mark what it delivered delivers it again', async () => {
    write('t', 'a:1');
    failing = ['markPublished'];
    start();
    await world.runUntil(1_000);
    expect(handed).toEqual(['a:1', 'a:1']);
    expect(unmarked()).toEqual([]);
    expect(failures).toEqual(['Error: markPublished failed']);
  });

  it('dies between the two is followed by one that delivers again', async () => {
    write('t', 'a:1', 'a:2');
    const relay = start();
    await world.runUntil(28);
    expect([handed, unmarked()]).toEqual([['a:1', 'a:2'], ['1']]);
    failing = ['markPublished'];
    actors.stop(relay);
    await world.runUntil(100);
    start();
    await world.runUntil(1_000);
    expect(handed).toEqual(['a:1', 'a:2', 'a:1', 'a:2']);
    expect(unmarked()).toEqual([]);
  });

  it('cannot read the outbox tries again', async () => {
    write('t', 'a:1');
    failing = ['unpublished', 'unpublished'];
    start();
    await world.runUntil(1_000);
    expect(handed).toEqual(['a:1']);
  });

  it('cannot write a dead letter keeps the event, and what follows it, for the next try', async () => {
    write('t', 'a:1', 'b:1');
    write('t', 'a:2');
    says.set('a:1', () => reject('NOT_FOUND'));
    failing = ['deadLetter'];
    start();
    await world.runUntil(50);
    expect(handed.filter((event) => event.startsWith('a'))).toEqual(['a:1']);
    await world.runUntil(1_000);
    expect(letters.map(({ id }) => id)).toEqual(['a:1']);
    expect(handed.filter((event) => event.startsWith('a'))).toEqual(['a:1', 'a:1', 'a:2']);
    expect(unmarked()).toEqual([]);
  });

  it('meets a row that it cannot read leaves it, says so, and goes on with the others', async () => {
    rows.push({ seq: '1', topic: 't', events: '[{', published: false });
    write('t', 'a:1');
    start();
    await world.runUntil(150);
    expect(handed).toEqual(['a:1']);
    expect(unmarked()).toEqual(['1']);
    expect(failures[0]).toMatch(/^SyntaxError/);
  });

  it('has two thousand rows under way takes no more until some are done', async () => {
    for (let i = 0; i < 2_100; i++) write('t', `${i}:1`);
    for (const { events } of rows) says.set(JSON.parse(events)[0].id, () => unavailable('the consumer is away'));
    start();
    await world.runUntil(2_000);
    expect(new Set(handed).size).toBe(2_000);
    says.clear();
    await world.runUntil(10_000);
    expect(new Set(handed).size).toBe(2_100);
    expect(unmarked()).toEqual([]);
  });
});
