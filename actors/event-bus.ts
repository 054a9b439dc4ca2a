/**
 * The way of an event from the outbox to its consumers: through Kafka when there is one, else straight across the
 * process. The outbox, the relay, the consumers and what becomes of poison are the same.
 */
import type { EventConsumer, EventLog, LogItem, Outbox, OutboxRow, RelayLock } from '../engine/event-log.ts';
import type { DomainEvent } from '../engine/events.ts';
import { isTopic } from '../engine/topics.ts';
import { createDelivery, type Delivery, type DeliveryWatch, letterOf } from './delivery.ts';
import type { Actors } from './kit.ts';
import { type RelayRef, startRelay } from './outbox.ts';

export interface EventBusDeps {
  readonly actors: Actors;
  readonly outbox: Outbox;
  readonly lock: RelayLock;
  /** Null: events stay in the process. */
  readonly log: EventLog | null;
  readonly consumers: readonly EventConsumer[];
  readonly watch: EventBusWatch;
}

export interface EventBusWatch extends DeliveryWatch {
  failed(error: unknown): void;
}

/** Starts the relay, and the consumers where they follow Kafka. */
export function startEventBus({ actors, outbox, lock, log, consumers, watch }: EventBusDeps): RelayRef {
  const delivery = createDelivery({ world: actors.world, outbox, watch });
  if (log) for (const consumer of consumers) log.follow(consumer, (items) => handItems(consumer, items, delivery));
  const deliver = log ? intoLog(log, delivery, watch) : toConsumers(consumers, delivery);
  const wanted = () => (log ? null : consumers.flatMap(({ types }) => [...types]));
  return startRelay({ actors, outbox, lock, wanted, deliver, failed: watch.failed });
}

type Deliver = (row: OutboxRow) => Promise<void>;

function toConsumers(consumers: readonly EventConsumer[], delivery: Delivery): Deliver {
  return async (row) => {
    const followers = consumers.filter((consumer) => consumer.topic === row.topic);
    if (followers.length === 0) return;
    const events = await readRow(row, delivery);
    await Promise.all(followers.map((consumer) => delivery.hand(consumer, events)));
  };
}

function intoLog(log: EventLog, delivery: Delivery, watch: EventBusWatch): Deliver {
  return async (row) => {
    const events = await readRow(row, delivery);
    const { topic } = row;
    const refused = isTopic(topic) ? await log.publish(topic, events) : events;
    const error = isTopic(topic) ? 'too large for the log' : 'there is no such topic';
    for (const event of refused) await delivery.park(letterOf(topic, relayName, event, { error, attempts: 1 }));
    watch.delivered('done', events.length - refused.length);
  };
}

const relayName = 'outbox-relay';

/** What cannot be read is parked, so that it is not met for ever. */
async function readRow({ seq, topic, events: text }: OutboxRow, delivery: Delivery): Promise<readonly DomainEvent[]> {
  const events = parsed(text);
  if (Array.isArray(events) && events.every(isEnvelope)) return events;
  await delivery.park({ topic, key: `row ${seq}`, consumer: relayName, event: text, error: noEnvelope, attempts: 1 });
  return [];
}

async function handItems(consumer: EventConsumer, items: readonly LogItem[], delivery: Delivery): Promise<void> {
  const events: DomainEvent[] = [];
  for (const { key, text } of items) {
    const event = parsed(text);
    if (isEnvelope(event)) events.push(event);
    else {
      const from = { topic: consumer.topic, consumer: consumer.name };
      await delivery.park({ ...from, key, event: text, error: noEnvelope, attempts: 1 });
    }
  }
  await delivery.hand(consumer, events);
}

const noEnvelope = 'this is no envelope';

/** Of what every consumer relies on; the data is a matter of the type. */
function isEnvelope(value: unknown): value is DomainEvent {
  if (typeof value !== 'object' || value === null) return false;
  const { id, type, subject } = value as Partial<Record<keyof DomainEvent, unknown>>;
  return [id, type, subject].every((word) => typeof word === 'string');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
