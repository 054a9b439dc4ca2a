/**
 * Follows one topic in a consumer group: hands over what it reads, partition by partition in order, and commits an offset
 * only when what lies before it was taken. Lives through brokers that go away and groups that rebalance.
 */
import type { EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import type { LogItem } from '../../engine/event-log.ts';

type Take = (items: readonly LogItem[]) => Promise<void>;

export interface FollowerOptions {
  readonly groupId: string;
  readonly topic: string;
  readonly topicsMade: Promise<void>;
  readonly failed: (error: unknown) => void;
}

export interface Follower {
  stop(): Promise<void>;
}

/** Messages that are handed over, and committed, at once. */
const portionMax = 500;
/**
 * Of one answer of a broker, which kafkajs reads in one turn of the event loop, all batches of the log that are in it:
 * some four hundred events. A batch that is larger comes whole.
 */
const answerMaxBytes = 128_000;
const partitionsAtOnce = 3;
/** A member that vanished keeps its partitions this long: so long its events wait. */
const sessionTimeoutMs = 10_000;
const rebalanceTimeoutMs = 15_000;
const heartbeatMs = 3_000;
/** How long a broker holds a question open when there is nothing new; a stop waits for its end. */
const pollMs = 500;
const restartMs = 1_000;

export function followTopic(
  kafka: Kafka,
  { groupId, topic, topicsMade, failed }: FollowerOptions,
  take: Take,
): Follower {
  let stopped = false;
  let stopNow = () => {};
  const stopping = new Promise<void>((resolve) => {
    stopNow = resolve;
  });

  /** One life of a consumer: settles when it has crashed, or was stopped. */
  const live = async () => {
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      heartbeatInterval: heartbeatMs,
      maxWaitTimeInMs: pollMs,
      maxBytes: answerMaxBytes,
      allowAutoTopicCreation: false,
      // kafkajs would decide by the kind of error whether to go on. We always do, with a consumer that knows nothing.
      retry: { restartOnFailure: async () => false },
    });
    const crashed = new Promise<void>((resolve) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        failed(payload.error);
        resolve();
      });
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: partitionsAtOnce,
        eachBatch: (payload) => takeBatch(payload, take),
      });
      await Promise.race([crashed, stopping]);
    } finally {
      await consumer.disconnect().catch(() => {});
    }
  };
  const lives = async () => {
    await Promise.race([topicsMade, stopping]);
    while (!stopped) {
      await live().catch(failed);
      if (!stopped) await Promise.race([stopping, new Promise((resolve) => setTimeout(resolve, restartMs))]);
    }
  };
  const ended = lives();
  return {
    async stop() {
      stopped = true;
      stopNow();
      await ended;
    },
  };
}

async function takeBatch(payload: EachBatchPayload, take: Take): Promise<void> {
  const { batch, isRunning, isStale, resolveOffset, commitOffsetsIfNecessary } = payload;
  const { topic, partition, messages } = batch;
  for (let from = 0; from < messages.length; from += portionMax) {
    if (!isRunning() || isStale()) return;
    const portion = messages.slice(from, from + portionMax);
    const last = portion.at(-1)?.offset ?? '0';
    await whileBeating(payload, take(portion.map(itemOf)));
    resolveOffset(last);
    const offset = (BigInt(last) + 1n).toString();
    await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset }] }] });
  }
}

function itemOf({ key, value }: KafkaMessage): LogItem {
  return { key: key?.toString() ?? '', text: value?.toString() ?? '' };
}

/** Work may take longer than a session lasts. When the group has gone on without us, the commit will say so. */
async function whileBeating({ heartbeat }: EachBatchPayload, work: Promise<void>): Promise<void> {
  const timer = setInterval(() => heartbeat().catch(() => {}), heartbeatMs);
  try {
    await work;
  } finally {
    clearInterval(timer);
  }
  await heartbeat();
}
