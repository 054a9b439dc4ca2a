/**
 * Hands events to their consumers, whether they come from the outbox or from Kafka. Events of one key reach a consumer
 * one after the other, in order; a key that has to wait holds up no other. A consumer that takes several at once gets all
 * that waits for it, of however many rows. What a consumer cannot take, after a few tries, becomes a dead letter, and what
 * follows flows on.
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
  /** The last portion of each line: the next one waits for it. */
  const last = new Map<string, Portion>();

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
  /** Adds an event to the portion that waits in its line, else to a new one at its end. Settles with the portion. */
  const lineUp = (consumer: EventConsumer, event: DomainEvent): Promise<void> => {
    const line = lineOf(consumer, event);
    const before = last.get(line);
    if (before && !before.begun && before.events.length < consumer.eventsMax) {
      before.events.push(event);
      return before.done;
    }
    const portion: Portion = { events: [event], begun: false, done: before?.done ?? Promise.resolve() };
    last.set(line, portion);
    // When the one before fails, so does this: it must not come first.
    portion.done = portion.done
      .then(() => {
        portion.begun = true;
        return deliver(consumer, portion.events);
      })
      .finally(() => {
        if (last.get(line) === portion) last.delete(line);
      });
    return portion.done;
  };
  return {
    park,
    async hand(consumer, events) {
      const concern = events.filter((event) => consumer.types.has(event.type));
      await Promise.all(new Set(concern.map((event) => lineUp(consumer, event))));
    },
  };
}

/** Events that are handed over together. While it waits for the portion before, more may join it. */
interface Portion {
  readonly events: DomainEvent[];
  begun: boolean;
  done: Promise<void>;
}

/** Events of one line are taken in order: those of one key, or all where a consumer takes several at once. */
function lineOf({ name, topic, eventsMax }: EventConsumer, { subject }: DomainEvent): string {
  return `${name} ${topic} ${eventsMax === 1 ? subject : ''}`;
}

export function letterOf(topic: string, consumer: string, event: DomainEvent, why: Failure): DeadLetter {
  return { topic, consumer, key: event.subject, event: JSON.stringify(event), ...why };
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
