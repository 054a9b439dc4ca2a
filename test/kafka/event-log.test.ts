/**
 * The adapter of the event log against a real Apache Kafka: order, repetition, refusal, a broker that goes away.
 *
 * Runs when KAFKA_BROKERS says where one listens; what stops a broker also needs KAFKA_JARS (`bash .ci/kafka.sh`).
 */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogItem } from '../../engine/event-log.ts';
import type { DomainEvent } from '../../engine/events.ts';
import { topics } from '../../engine/topics.ts';
import { type KafkaEventLog, openEventLog } from '../../persistence/kafka/event-log.ts';
import { eventually } from '../buyer.ts';
import { startOwnBroker, testClient } from '../kafka-broker.ts';

const brokers = process.env.KAFKA_BROKERS ?? '';
const jars = process.env.KAFKA_JARS ?? '';
if (brokers === '') console.log('skipped: KAFKA_BROKERS is not set');
else if (jars === '') console.log('skipped: KAFKA_JARS is not set');

let prefix: string;
let opened: KafkaEventLog[];
let failures: string[];

beforeEach(() => {
  [prefix, opened, failures] = [`test-${randomUUID()}.`, [], []];
});
afterEach(async () => {
  await Promise.all(opened.map((log) => log.close()));
});

function open(address = brokers): KafkaEventLog {
  const log = openEventLog({ brokers: [address], prefix, failed: (error) => failures.push(String(error)) });
  opened.push(log);
  return log;
}

const event = (subject: string, number: number, data: DomainEvent['data'] = {}): DomainEvent => ({
  id: `${subject}:${number}`,
  type: 'said',
  source: 'onsale',
  subject,
  time: '2026-01-01T00:00:00.000Z',
  data,
});
/** Ids in the order in which a follower was handed them. */
function follow(log: KafkaEventLog): string[] {
  const ids: string[] = [];
  log.follow('booking-events', async (items) => void ids.push(...items.map(idOf)));
  return ids;
}
const idOf = ({ text }: LogItem) => (JSON.parse(text) as DomainEvent).id;
const ofKey = (ids: readonly string[], key: string) => ids.filter((id) => id.startsWith(`${key}:`));
const numbered = (key: string, count: number) => Array.from({ length: count }, (_, i) => `${key}:${i + 1}`);
const firsts = (ids: readonly string[]) => [...new Set(ids)];

describe.skipIf(brokers === '')('the event log on Kafka', () => {
  it('has every topic with its partitions, and makes no other', async () => {
    const log = open();
    await log.publish('booking-events', [event('a', 1)]);
    const admin = testClient(brokers).admin();
    await admin.connect();
    try {
      const made = Object.keys(topics).map((topic) => prefix + topic);
      const { topics: found } = await admin.fetchTopicMetadata({ topics: made });
      expect(
        Object.fromEntries(found.map((topic) => [topic.name.slice(prefix.length), topic.partitions.length])),
      ).toEqual(Object.fromEntries(Object.entries(topics).map(([topic, { partitions }]) => [topic, partitions])));
      await expect(admin.fetchTopicMetadata({ topics: [`${prefix}nobody-made-it`] })).rejects.toThrow();
    } finally {
      await admin.disconnect();
    }
  });

  it('keeps the order of each key, however calls overlap', async () => {
    const log = open();
    const ids = follow(log);
    const keys = Array.from({ length: 20 }, (_, at) => `k${at}`);
    const calls = Array.from({ length: 100 }, (_, i) =>
      log.publish(
        'booking-events',
        keys.map((key) => event(key, i + 1)),
      ),
    );
    expect((await Promise.all(calls)).flat()).toEqual([]);
    await eventually(async () => expect(ids).toHaveLength(2_000));
    for (const key of keys) expect(ofKey(ids, key)).toEqual(numbered(key, 100));
  });

  it('will not take what is too large, and takes everything around it', async () => {
    const log = open();
    const large = event('big', 1, { text: 'x'.repeat(1_200_000) });
    const [refused] = await Promise.all([
      log.publish('booking-events', [event('a', 1), large, event('a', 2)]),
      log.publish('booking-events', [event('a', 3)]),
    ]);
    expect(refused).toEqual([large]);
    const ids = follow(log);
    await eventually(async () => expect(firsts(ids)).toEqual(numbered('a', 3)));
  });

  it('hands over again what was not taken, to the same or to another process', async () => {
    const log = open();
    await log.publish('booking-events', [event('a', 1), event('a', 2)]);
    let tries = 0;
    const first = open();
    first.follow('booking-events', async () => {
      tries++;
      throw new Error('the store is away');
    });
    await eventually(async () => expect(tries).toBeGreaterThan(1));
    await first.close();
    const ids = follow(open());
    await eventually(async () => expect(ids).toEqual(numbered('a', 2)));
  });

  it('hands nothing over again that was taken, and knows how far it is behind', async () => {
    const log = open();
    await log.publish(
      'booking-events',
      numbered('a', 5).map((_, i) => event('a', i + 1)),
    );
    const first = open();
    expect(follow(first)).toEqual([]);
    await eventually(async () => expect(await first.lag()).toEqual([{ topic: 'booking-events', events: 0 }]));
    await first.close();
    await log.publish('booking-events', [event('a', 6)]);
    const second = open();
    const again = follow(second);
    await eventually(async () => expect(again).toEqual(['a:6']));
  });
});

describe.skipIf(brokers === '' || jars === '')('a broker that', () => {
  it('stops and starts again: what is published meanwhile comes, in order', { timeout: 120_000 }, async () => {
    const broker = await startOwnBroker(jars);
    try {
      const log = open(broker.address);
      const ids = follow(log);
      /** As the relay does: again from the first that failed. */
      const publishAll = async (from: number, to: number) => {
        for (let next = from; next <= to; next++) {
          while (
            !(await log.publish('booking-events', [event('a', next)]).then(
              () => true,
              () => false,
            ))
          );
        }
      };
      await publishAll(1, 20);
      await eventually(async () => expect(ids).toHaveLength(20));
      await broker.stop();
      expect(await log.isPresent()).toBe(false);
      const meanwhile = publishAll(21, 40);
      await expect(log.publish('booking-events', [event('b', 1)])).rejects.toThrow();
      await broker.start();
      await meanwhile;
      await expect.poll(() => firsts(ofKey(ids, 'a')), { timeout: 60_000 }).toEqual(numbered('a', 40));
      expect(await log.isPresent()).toBe(true);
    } finally {
      await broker.stop();
    }
  });

  it('is not there at the start is waited for', { timeout: 120_000 }, async () => {
    const broker = await startOwnBroker(jars);
    try {
      await broker.stop();
      const log = open(broker.address);
      const ids = follow(log);
      await expect.poll(() => failures, { timeout: 30_000 }).not.toEqual([]);
      await broker.start();
      await log.publish('booking-events', [event('a', 1)]);
      await expect.poll(() => ids, { timeout: 60_000 }).toEqual(['a:1']);
    } finally {
      await broker.stop();
    }
  });
});
