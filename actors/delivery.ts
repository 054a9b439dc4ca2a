/**
 * Hands events to their consumers, whether they come from the outbox or from Kafka. Events of one key reach a consumer
 * one after the other, in order; a key that has to wait holds up no other. What a consumer cannot take, after a few
 * tries, becomes a dead letter, and what follows flows on.
 */
import type { DeadLetter, EventConsumer, Outbox } from '../engine/event-log.ts';
import type { DomainEvent } from '../engine/events.ts';
import { type Outcome, unavailable } from '../engine/outcome.ts';
import type { World } from '../engine/ports.ts';

export interface Delivery {
  /** Resolves when every event was taken or parked. Rejects when one could not even be parked: then all of them again. */
  hand(consumer: EventConsumer, events: readonly DomainEvent[]): Promise<void>;
  /** Gives up what nobody can use. Rejects as `hand` does. */
  park(letter: DeadLetter): Promise<void>;
}

interface Failure {
  readonly error: string;
  readonly attempts: number;
}

export interface DeliveryWatch {
  delivered(result: 'done' | 'retried' | 'dead-letter', events: number): void;
}

interface DeliveryDeps {
  readonly world: World;
  readonly outbox: Pick<Outbox, 'deadLetter'>;
  readonly watch: DeliveryWatch;
}

const attemptsMax = 6;
const retryFirstMs = 100;

export function createDelivery(deps: DeliveryDeps): Delivery {
  const { outbox, watch } = deps;
  /** The last portion under way of each consumer and key: the next one waits for it. */
  const turns = new Map<string, Promise<void>>();

  const park = async (letter: DeadLetter) => {
    await outbox.deadLetter(letter);
    watch.delivered('dead-letter', 1);
  };
  const deliver = async (consumer: EventConsumer, events: readonly DomainEvent[]): Promise<void> => {
    const failure = await tryToHandle(consumer, events, deps);
    if (failure === null) return;
    const [event] = events;
    if (event && events.length === 1) return park(letterOf(consumer.topic, consumer.name, event, failure));
    // One of them spoils it for the others: alone, each shows what it is.
    for (const single of events) await deliver(consumer, [single]);
  };
  return {
    park,
    async hand(consumer, events) {
      const concern = events.filter((event) => consumer.types.has(event.type));
      await Promise.all(
        portions(consumer, concern).map(({ key, events: portion }) =>
          inTurn(turns, `${consumer.name} ${consumer.topic} ${key}`, () => deliver(consumer, portion)),
        ),
      );
    },
  };
}

export function letterOf(topic: string, consumer: string, event: DomainEvent, why: Failure): DeadLetter {
  return { topic, consumer, key: event.subject, event: JSON.stringify(event), ...why };
}

/** What may be handed over at once, and the key of its order. */
function portions({ eventsMax }: EventConsumer, events: readonly DomainEvent[]) {
  if (eventsMax === 1) return events.map((event) => ({ key: event.subject, events: [event] }));
  return Array.from({ length: Math.ceil(events.length / eventsMax) }, (_, index) => ({
    key: '',
    events: events.slice(index * eventsMax, (index + 1) * eventsMax),
  }));
}

/** Runs `work` after what is under way of the same key; when that fails, so does this: it must not come first. */
function inTurn(turns: Map<string, Promise<void>>, key: string, work: () => Promise<void>): Promise<void> {
  const before = turns.get(key);
  const turn = (before?.then(work) ?? work()).finally(() => {
    if (turns.get(key) === turn) turns.delete(key);
  });
  turns.set(key, turn);
  return turn;
}

/** Null when the consumer took the events, else why it never will. */
async function tryToHandle(
  consumer: EventConsumer,
  events: readonly DomainEvent[],
  { world, watch }: DeliveryDeps,
): Promise<Failure | null> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await handled(consumer, events);
    if (outcome.ok) {
      watch.delivered('done', events.length);
      return null;
    }
    const { code, message } = outcome.rejection;
    if (code !== 'SERVICE_UNAVAILABLE' || attempt === attemptsMax)
      return { error: `${code}: ${message ?? ''}`, attempts: attempt };
    watch.delivered('retried', events.length);
    await new Promise<void>((resolve) => world.timers.after(retryFirstMs * 2 ** (attempt - 1), resolve));
  }
}

/** A consumer that throws has a bug or no store, and an event that makes it throw must not stop the others. */
async function handled(consumer: EventConsumer, events: readonly DomainEvent[]): Promise<Outcome<null>> {
  try {
    return await consumer.handle(events);
  } catch (error) {
    return unavailable(String(error));
  }
}
