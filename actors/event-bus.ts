/**
 * The way of an event from the outbox to its consumers: through Kafka when there is one, else straight across the
 * process. The outbox, the relay, the consumers and what becomes of poison are the same.
 *
 * Through Kafka nobody waits for it: what a buyer waits for comes without it, and a backlog may be large. So relay and
 * followers give way to the sale. Across the process it is how a saga hears of its money, and does not.
 */
import type { EventConsumer, EventLog, LogItem, Outbox, OutboxRow, RelayLock } from '../engine/event-log.ts';
import type { DomainEvent } from '../engine/events.ts';
import { isTopic, type Topic } from '../engine/topics.ts';
import { createDelivery, type Delivery, type DeliveryWatch, letterOf } from './delivery.ts';
import type { Actors } from './kit.ts';
import { type Relay, startRelay } from './outbox.ts';
import { createPace, type Pace } from './pace.ts';

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
export function startEventBus({ actors, outbox, lock, log, consumers, watch }: EventBusDeps): Relay {
  const delivery = createDelivery({ world: actors.world, outbox, watch });
  const pace = log && createPace(actors.world);
  if (log && pace) followLog(log, consumers, { delivery, pace });
  const deliver = log ? intoLog(log, delivery, watch) : toConsumers(consumers, delivery);
  const wanted = () => (log ? null : consumers.flatMap(({ types }) => [...types]));
  return startRelay({ actors, outbox, lock, wanted, deliver, pace, failed: watch.failed });
}

type Deliver = (row: OutboxRow) => Promise<void>;

function toConsumers(consumers: readonly EventConsumer[], delivery: Delivery): Deliver {
  return async (row) => {
    const followers = followersOf(row.topic, consumers);
    if (followers.length > 0) await handToAll(followers, await readRow(row, delivery), delivery);
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

/** Each topic is read once, for all its consumers: what they know is handed on when all of them have it. */
function followLog(
  log: EventLog,
  consumers: readonly EventConsumer[],
  { delivery, pace }: { readonly delivery: Delivery; readonly pace: Pace },
): void {
  for (const topic of new Set(consumers.map((consumer) => consumer.topic))) {
    const followers = followersOf(topic, consumers);
    log.follow(topic, async (items) => {
      const rest = pace.begin();
      const events = await readItems(topic, items, delivery);
      await handToAll(followers, events, delivery);
      await rest();
    });
  }
}

function followersOf(topic: string, consumers: readonly EventConsumer[]): readonly EventConsumer[] {
  return consumers.filter((consumer) => consumer.topic === topic);
}

/** Resolves when each of them has taken or parked what concerns it. */
async function handToAll(
  followers: readonly EventConsumer[],
  events: readonly DomainEvent[],
  delivery: Delivery,
): Promise<void> {
  await Promise.all(followers.map((consumer) => delivery.hand(consumer, events)));
}

async function readItems(topic: Topic, items: readonly LogItem[], delivery: Delivery): Promise<readonly DomainEvent[]> {
  const events: DomainEvent[] = [];
  for (const { key, text } of items) {
    const event = parsed(text);
    if (isEnvelope(event)) events.push(event);
    else await delivery.park({ topic, consumer: followerName, key, event: text, error: noEnvelope, attempts: 1 });
  }
  return events;
}

const followerName = 'log-follower';

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
