/**
 * An outbox, its consumers and its lock in a simulated world: calls take a few milliseconds and fail when told to, and
 * everything that happens is noted.
 */
import { type EventBusDeps, startEventBus } from '../../actors/event-bus.ts';
import { type Actors, createActors } from '../../actors/kit.ts';
import type { Relay } from '../../actors/outbox.ts';
import type { EventConsumer, EventLog, Outbox } from '../../engine/event-log.ts';
import { accept, type Outcome } from '../../engine/outcome.ts';
import type { Topic } from '../../engine/topics.ts';
import { createMemoryJournal } from '../../persistence/memory/journal.ts';
import { SimulatedWorld, type TurnLag } from './world.ts';

interface Row {
  readonly seq: string;
  readonly topic: string;
  readonly events: string;
  published: boolean;
}

/** The topic that is meant when none is named. */
export const topic = 'booking-events';

export class OutboxBench {
  readonly world: SimulatedWorld;
  readonly failures: string[] = [];
  readonly actors: Actors;
  readonly rows: Row[] = [];
  readonly letters: { consumer: string; id: string; error: string; attempts: number }[] = [];
  /** What consumers were handed: ids as `key:number`, those of one call together. */
  readonly handed: string[] = [];
  /** How the next calls of the outbox fail, by name. */
  failing: string[] = [];
  /** What a consumer says to an event, by its id; taken when nothing is said. */
  readonly says = new Map<string, () => Outcome<null>>();
  /** Whether the lock is given to whoever asks. */
  lockFree = true;
  loseLock = () => {};

  constructor(lag?: TurnLag) {
    this.world = new SimulatedWorld(1, 0, lag);
    this.actors = createActors(this.world, createMemoryJournal(), {
      crashed: (_, error) => this.failures.push(String(error)),
      abandoned: () => {},
    });
  }

  /** One row; each event is `key:number`. */
  write(rowTopic: Topic | 'unknown', ...events: readonly string[]): void {
    const envelopes = events.map((event) => ({ subject: event.split(':')[0], id: event, type: 'said' }));
    this.writeText(rowTopic, JSON.stringify(envelopes));
  }

  writeText(rowTopic: string, events: string): void {
    this.rows.push({ seq: String(this.rows.length + 1), topic: rowTopic, events, published: false });
  }

  unmarked(): readonly string[] {
    return this.rows.filter((row) => !row.published).map((row) => row.seq);
  }

  consumer({ name = 'c', of = topic as Topic, eventsMax = 1 } = {}): EventConsumer {
    const handle: EventConsumer['handle'] = (events) =>
      new Promise((resolve, reject) => {
        const ids = events.map(({ id }) => id);
        this.world.later(10, `handle ${ids}`, () => {
          this.handed.push(ids.join(' '));
          try {
            const answers = ids.map((id) => this.says.get(id)?.() ?? accept(null));
            resolve(answers.find((answer) => !answer.ok) ?? accept(null));
          } catch (error) {
            reject(error);
          }
        });
      });
    return { name, topic: of, types: new Set(['said']), eventsMax, handle };
  }

  /** With one consumer of `topic` when none is named. */
  start({ consumers = [this.consumer()], log = null as EventLog | null } = {}): Relay {
    const watch = { delivered: () => {}, failed: (error: unknown) => void this.failures.push(String(error)) };
    const deps: EventBusDeps = { actors: this.actors, outbox: this.#outbox, lock: this.#lock, log, consumers, watch };
    return startEventBus(deps);
  }

  wake(relay: Relay): void {
    relay.wake();
  }

  readonly #lock = {
    take: async (lost: () => void) => {
      this.loseLock = lost;
      return this.lockFree;
    },
  };

  readonly #outbox: Outbox = {
    unpublished: (room, except) =>
      this.#call('unpublished', () => {
        const rows = this.rows.filter((row) => !row.published && !except.includes(row.seq)).slice(0, room.rows);
        let before = 0;
        return rows.filter(({ events }) => {
          before += events.length;
          return before - events.length < room.bytes;
        });
      }),
    markPublished: (seqs) =>
      this.#call('markPublished', () => {
        for (const row of this.rows) row.published ||= seqs.includes(row.seq);
      }),
    deadLetter: ({ consumer, key, event, error, attempts }) =>
      this.#call('deadLetter', () => {
        const id = /"id":"([^"]+)"/.exec(event)?.[1] ?? key;
        this.letters.push({ consumer, id, error, attempts });
      }),
  };

  #call<T>(name: string, effect: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.world.later(5, name, () => {
        if (this.failing[0] !== name) return resolve(effect());
        this.failing.shift();
        reject(new Error(`${name} failed`));
      });
    });
  }
}
