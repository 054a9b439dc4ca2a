/**
 * Appends events to Kafka in the order in which they are handed over: one request at a time, acknowledged by all
 * in-sync replicas, by an idempotent producer. What is handed over meanwhile goes together in the next request.
 */
import { type Kafka, type Message, Partitioners, type Producer } from 'kafkajs';
import type { EventLog } from '../../engine/event-log.ts';
import type { DomainEvent } from '../../engine/events.ts';
import type { Topic } from '../../engine/topics.ts';

/**
 * Characters of one request, which kafkajs writes in one turn of the event loop: some three hundred events. All of them may
 * be of one partition, and a broker takes 1 MiB at once of each.
 */
const requestMax = 100_000;

/** Codes of the broker that mean: this will never be taken. */
const refusals = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD']);

/** One call of `publish`. */
interface Call {
  missing: number;
  readonly refused: DomainEvent[];
  readonly resolve: (refused: readonly DomainEvent[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Waiting {
  readonly topic: Topic;
  readonly event: DomainEvent;
  readonly text: string;
  readonly call: Call;
}

export function createPublisher(
  kafka: Kafka,
  { prefix, topicsMade }: { readonly prefix: string; readonly topicsMade: Promise<void> },
): Pick<EventLog, 'publish' | 'close'> {
  const waiting: Waiting[] = [];
  let sending = false;
  let producer: Producer | null = null;

  const connect = async () => {
    await topicsMade;
    const made = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await made.connect();
    return made;
  };
  /**
   * After a failure kafkajs numbers its next request like the one that failed. If the broker has that one after all, it
   * takes another of the same number for a repetition and drops it. A new producer has numbers of its own.
   */
  const forget = async () => {
    const former = producer;
    producer = null;
    await former?.disconnect().catch(() => {});
  };
  const send = async (items: readonly Waiting[]): Promise<void> => {
    producer ??= await connect();
    try {
      await producer.sendBatch({ acks: -1, topicMessages: byTopic(items, prefix) });
      for (const { call } of items) settle(call);
    } catch (error) {
      await forget();
      if (!isRefusal(error)) throw error;
      const [single] = items;
      if (single && items.length === 1) settle(single.call, single.event);
      else await sendHalves(items);
    }
  };
  const sendHalves = async (items: readonly Waiting[]): Promise<void> => {
    const middle = items.length >> 1;
    await send(items.slice(0, middle));
    await send(items.slice(middle));
  };
  const drain = async () => {
    sending = true;
    while (waiting.length > 0) {
      const items = waiting.splice(0, fitting(waiting));
      try {
        await send(items);
      } catch (error) {
        // What waited behind them must not come first.
        for (const { call } of [...items, ...waiting.splice(0)]) call.reject(error);
      }
    }
    sending = false;
  };

  return {
    publish: (topic, events) =>
      new Promise((resolve, reject) => {
        if (events.length === 0) return resolve([]);
        const call: Call = { missing: events.length, refused: [], resolve, reject };
        for (const event of events) waiting.push({ topic, event, text: JSON.stringify(event), call });
        if (!sending) drain().catch(reject);
      }),
    async close() {
      for (const { call } of waiting.splice(0)) call.reject(new Error('the event log is closed'));
      await forget();
    },
  };
}

function settle(call: Call, refused?: DomainEvent): void {
  if (refused) call.refused.push(refused);
  call.missing--;
  if (call.missing === 0) call.resolve(call.refused);
}

/** How many of the first go into one request: at least one. */
function fitting(waiting: readonly Waiting[]): number {
  let characters = 0;
  const over = waiting.findIndex(({ text }) => {
    characters += text.length;
    return characters > requestMax;
  });
  return over === -1 ? waiting.length : Math.max(1, over);
}

function byTopic(items: readonly Waiting[], prefix: string) {
  const topicMessages = new Map<Topic, { topic: string; messages: Message[] }>();
  for (const { topic, event, text } of items) {
    const headers = event.traceparent ? { traceparent: event.traceparent } : {};
    const ofTopic = topicMessages.get(topic) ?? { topic: prefix + topic, messages: [] };
    ofTopic.messages.push({ key: event.subject, value: text, headers });
    topicMessages.set(topic, ofTopic);
  }
  return [...topicMessages.values()];
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'type' in error && refusals.has(String(error.type));
}
