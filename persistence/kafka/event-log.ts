/**
 * The event log on Kafka, by kafkajs. Nothing here keeps a node from starting or selling: while the brokers are away,
 * publishing rejects, following waits, and both go on when they are back.
 */
import { type Admin, Kafka, logLevel } from 'kafkajs';
import type { EventLog } from '../../engine/event-log.ts';
import { type Topic, topics } from '../../engine/topics.ts';
import { type Follower, followTopic } from './follower.ts';
import { readLag } from './lag.ts';
import { createPublisher } from './publisher.ts';

export interface EventLogOptions {
  readonly brokers: readonly string[];
  /** Before the name of every topic and consumer group, so that shops can share brokers. */
  readonly prefix: string;
  /** Told of what does not work at the moment. */
  readonly failed: (error: unknown) => void;
}

export interface KafkaEventLog extends EventLog {
  /** Whether a broker answers now. */
  isPresent(): Promise<boolean>;
  /** Events that the consumers of this shop have not taken yet, by topic. Rejects when no broker answers. */
  lag(): Promise<readonly { readonly topic: Topic; readonly events: number }[]>;
}

/** Bounded, so that a call says within a minute whether it worked; whoever called tries again. */
const retry = { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 };
const connectionTimeoutMs = 3_000;
const requestTimeoutMs = 10_000;
const topicsRetryMs = 1_000;

export function openEventLog({ brokers, prefix, failed }: EventLogOptions): KafkaEventLog {
  const kafka = new Kafka({
    clientId: 'onsale',
    brokers: [...brokers],
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    retry,
    // What matters comes back as an error; kafkajs would write lines of its own to stdout.
    logLevel: logLevel.NOTHING,
  });
  let closed = false;
  const topicsMade = makeTopics(kafka, { prefix, failed, isClosed: () => closed });
  const publisher = createPublisher(kafka, { prefix, topicsMade });
  const followed: { readonly topic: Topic; readonly groupId: string; readonly follower: Follower }[] = [];
  const asking = openAdmin(kafka);

  return {
    publish: publisher.publish,
    follow(topic, take) {
      const groupId = `${prefix}onsale.${topic}`;
      const options = { groupId, topic: prefix + topic, topicsMade, failed };
      followed.push({ topic, groupId, follower: followTopic(kafka, options, take) });
    },
    async isPresent() {
      return await asking
        .with((admin) => admin.describeCluster())
        .then(
          () => true,
          () => false,
        );
    },
    lag: () =>
      asking.with((admin) =>
        Promise.all(
          followed.map(async ({ topic, groupId }) => ({
            topic,
            events: await readLag(admin, groupId, prefix + topic),
          })),
        ),
      ),
    async close() {
      closed = true;
      await Promise.all(followed.map(({ follower }) => follower.stop()));
      await Promise.all([publisher.close(), asking.close()]);
    },
  };
}

/** Makes the topics that are missing, however long the brokers are away. Those that exist stay as they are. */
async function makeTopics(
  kafka: Kafka,
  { prefix, failed, isClosed }: Pick<EventLogOptions, 'prefix' | 'failed'> & { readonly isClosed: () => boolean },
): Promise<void> {
  const wanted = Object.entries(topics).map(([topic, { partitions }]) => ({
    topic: prefix + topic,
    numPartitions: partitions,
  }));
  while (!isClosed()) {
    const admin = kafka.admin();
    try {
      await admin.connect();
      await admin.createTopics({ topics: wanted, waitForLeaders: true });
      return;
    } catch (error) {
      failed(error);
      await new Promise((resolve) => setTimeout(resolve, topicsRetryMs));
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }
}

/** One connection for questions, made when one is asked and again after one that failed. */
function openAdmin(kafka: Kafka) {
  let connected: Promise<Admin> | null = null;
  const forget = async () => {
    const admin = await connected?.catch(() => null);
    connected = null;
    await admin?.disconnect().catch(() => {});
  };
  const connect = async () => {
    const admin = kafka.admin({ retry: { retries: 0 } });
    await admin.connect();
    return admin;
  };
  return {
    async with<T>(ask: (admin: Admin) => Promise<T>): Promise<T> {
      connected ??= connect();
      try {
        return await ask(await connected);
      } catch (error) {
        await forget();
        throw error;
      }
    },
    close: forget,
  };
}
