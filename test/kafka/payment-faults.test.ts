/**
 * Kafka's row of the fault matrix of payments (test/drills): it goes away before the payments are begun, and comes back
 * when everything has ended. Needs a broker that can be stopped: KAFKA_JARS.
 */
import { expect, it } from 'vitest';
import { drill, paidEndings, tableOf } from '../drills/cells.ts';
import { kafkaDown } from '../drills/faults.ts';
import { startOwnBroker } from '../kafka-broker.ts';
import { startNodeUnderTest } from '../node-under-test.ts';

const jars = process.env.KAFKA_JARS ?? '';
if (jars === '') console.log('skipped: KAFKA_JARS is not set');

it.skipIf(jars === '')('a payment while Kafka is down ends as it should', { timeout: 240_000 }, async () => {
  const broker = await startOwnBroker(jars);
  const holds = { HOLD_TTL_SECONDS: '5', PAYMENT_GRACE_SECONDS: '0.1' };
  const node = await startNodeUnderTest({ KAFKA_BROKERS: broker.address, ...holds });
  try {
    const endings = await drill(node, kafkaDown(broker));
    console.log(tableOf(new Map([['Kafka down', endings]]), () => paidEndings));
    expect(endings).toEqual(paidEndings);
    expect(await node.findings()).toEqual([]);
  } finally {
    await node.close();
    await broker.stop();
  }
});
