/**
 * A whole node on a real Apache Kafka: another client (kcat) reads every booking's events, in order, none missing; the
 * consumers follow it; and a broker that goes away stops no sale.
 *
 * Runs when KAFKA_BROKERS says where one listens and kcat is installed; what stops a broker also needs KAFKA_JARS.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DomainEvent } from '../../engine/events.ts';
import { topics } from '../../engine/topics.ts';
import { type Buyer, eventually } from '../buyer.ts';
import { readTopic, startOwnBroker } from '../kafka-broker.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest } from '../node-under-test.ts';
import { payWithCard } from '../sandbox-buyer.ts';

const brokers = process.env.KAFKA_BROKERS ?? '';
const jars = process.env.KAFKA_JARS ?? '';
if (brokers === '') console.log('skipped: KAFKA_BROKERS is not set');
else if (jars === '') console.log('skipped: KAFKA_JARS is not set');

const good = '4242424242424242';

/** Somebody who buys at a node. */
interface Counter {
  readonly node: NodeUnderTest;
  readonly sale: OnSale;
  readonly buyer: Buyer;
  readonly prefix: string;
}

async function openCounter(address: string): Promise<Counter> {
  const prefix = `test-${randomUUID()}.`;
  const node = await startNodeUnderTest({ KAFKA_BROKERS: address, KAFKA_PREFIX: prefix });
  return { node, prefix, sale: await node.putOnSale({ maxPerUser: 1_000 }), buyer: await node.newBuyer() };
}

const hold = ({ buyer, sale }: Counter) => buyer.hold({ event_id: sale.eventId, zone_id: sale.zoneId, quantity: 1 });

async function pay({ buyer, node }: Counter, bookingId: string): Promise<void> {
  const { client_secret } = (await buyer.pay(bookingId)).data;
  await payWithCard(node.shop.sandbox.url, client_secret, good);
}

async function atOnce<T>(times: number, run: () => Promise<T>): Promise<T[]> {
  return await Promise.all(Array.from({ length: times }, run));
}

/** What the tables say was told, topic by topic; the rows are in the order of writing. */
async function written({ node }: Counter): Promise<Map<string, DomainEvent[]>> {
  const { rows } = await node.database.query('select topic, events from outbox order by seq');
  const told = new Map<string, DomainEvent[]>(Object.keys(topics).map((topic) => [topic, []]));
  for (const { topic, events } of rows) told.get(topic)?.push(...JSON.parse(events));
  return told;
}

/**
 * Holds every topic, as kcat reads it, against the tables: the same events, of each key in the same order. Again, when they
 * differ: what is left of a zone is told up to a second after the sale, and may come between the two readings.
 */
async function expectAllThere(counter: Counter, address: string): Promise<void> {
  await eventually(async () => {
    for (const [topic, events] of await written(counter)) {
      const read = await readTopic(address, counter.prefix + topic);
      const found = read.map(({ text }) => JSON.parse(text) as DomainEvent);
      expect(read.map(({ key }) => key)).toEqual(found.map(({ subject }) => subject));
      expect(storiesOf(found), topic).toEqual(storiesOf(events));
    }
  });
}

/** A log may say something twice; the second time says nothing new. */
function storiesOf(events: readonly DomainEvent[]): Record<string, DomainEvent[]> {
  const once = [...new Map(events.map((event) => [event.id, event])).values()];
  return once.reduce<Record<string, DomainEvent[]>>((stories, event) => {
    stories[event.subject] = [...(stories[event.subject] ?? []), event];
    return stories;
  }, {});
}

const metric = async ({ node }: Counter, name: string) => {
  const text = await (await fetch(`${node.url()}/metrics`)).text();
  return text.split('\n').filter((line) => line.startsWith(name));
};

const eventBus = async ({ node }: Counter) => {
  const answer = await fetch(`${node.url()}/ready`);
  const { data } = (await answer.json()) as { data: { checks: { name: string; ok: boolean; problem?: string }[] } };
  return { status: answer.status, ...data.checks.find(({ name }) => name.startsWith('event bus')) };
};

describe.skipIf(brokers === '')('a sale on Kafka', () => {
  let counter: Counter;
  beforeAll(async () => {
    counter = await openCounter(brokers);
  });
  afterAll(async () => {
    expect(await counter.node.findings()).toEqual([]);
    await counter.node.close();
  });

  it('is read by kcat: every event of every booking, in order, none missing, ids unique', async () => {
    const { buyer, node } = counter;
    const [bought, given] = await Promise.all([atOnce(30, () => hold(counter)), atOnce(10, () => hold(counter))]);
    await Promise.all([...bought.map((id) => pay(counter, id)), ...given.map((id) => buyer.cancel(id))]);
    await Promise.all(bought.map((id) => buyer.sees(id, 'confirmed')));
    expect(await node.findings()).toEqual([]);

    await expectAllThere(counter, brokers);
    const messages = await readTopic(brokers, `${counter.prefix}booking-events`);
    const ids = messages.map(({ text }) => (JSON.parse(text) as DomainEvent).id);
    expect(new Set(ids).size).toBe(ids.length);
    const { rows } = await node.database.query('select id, status from bookings');
    expect(rows).toHaveLength(40);
    for (const { id, status } of rows) {
      expect(ids.filter((told) => told.endsWith(id))).toEqual([`booking.created:${id}`, `booking.${status}:${id}`]);
    }
  });

  it('feeds the consumers, and shows how far they are', async () => {
    const { node, sale } = counter;
    await eventually(async () => {
      const { rows } = await node.database.query('select * from analytics_daily where event_id = $1', [sale.eventId]);
      expect(rows).toMatchObject([{ reserved: '40', confirmed: '30', cancelled: '10', revenue_minor: '4500000' }]);
    });
    await eventually(async () => {
      const { rows } = await node.database.query('select kind, status from notifications');
      expect(rows).toEqual(Array.from({ length: 30 }, () => ({ kind: 'confirmed', status: 'pending' })));
    });
    await eventually(async () => {
      const lags = await metric(counter, 'kafka_consumer_lag{');
      expect(lags.length).toBe(3);
      for (const lag of lags) expect(lag).toMatch(/ 0$/);
    });
    expect(await eventBus(counter)).toEqual({ status: 200, name: 'event bus (kafka)', ok: true });
  });
});

describe.skipIf(brokers === '' || jars === '')('a sale whose Kafka goes away', () => {
  it('goes on, and everything is told in order when it is back', { timeout: 180_000 }, async () => {
    const broker = await startOwnBroker(jars);
    const counter = await openCounter(broker.address);
    const { buyer, node } = counter;
    try {
      const before = await atOnce(5, () => hold(counter));
      await eventually(async () => expect(await metric(counter, 'outbox_backlog')).toEqual(['outbox_backlog 0']));
      await broker.stop();

      const meanwhile = await atOnce(5, () => hold(counter));
      const [bought = '', given = ''] = [...before, ...meanwhile].slice(4);
      await pay(counter, bought);
      // What tells of the payment waits in the outbox with everything else; the saga has heard of it all the same.
      await buyer.sees(bought, 'confirmed');
      await buyer.cancel(given);
      expect(await metric(counter, 'outbox_backlog')).not.toEqual(['outbox_backlog 0']);
      expect(await eventBus(counter)).toMatchObject({
        status: 200,
        ok: true,
        problem: expect.stringContaining('wait'),
      });

      await broker.start();
      const settled = { timeout: 90_000, interval: 200 };
      await expect.poll(() => metric(counter, 'outbox_backlog'), settled).toEqual(['outbox_backlog 0']);
      await expect.poll(() => metric(counter, 'kafka_consumer_lag{'), settled).toSatisfy(areZero);
      await expectAllThere(counter, broker.address);
      expect(await node.findings()).toEqual([]);
    } finally {
      await node.close();
      await broker.stop();
    }
  });
});

const areZero = (lines: readonly string[]) => lines.length > 0 && lines.every((line) => line.endsWith(' 0'));
