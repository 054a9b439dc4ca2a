/**
 * The fault matrix of payments: whatever goes wrong, before, at or after the end of the hold, a booking ends as it should,
 * with at most one charge, and no money without a ticket or a refund. Prints the matrix. (Kafka's row is in test/kafka.)
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NodeUnderTest, startNodeUnderTest } from '../node-under-test.ts';
import { drill, type Ending, paidEndings, type Strike, tableOf } from './cells.ts';
import { newHourglass, nodeKilled, providerTimeout, webhookFaults } from './faults.ts';

const hourglass = newHourglass();
const strikes: Readonly<Record<string, Strike>> = {
  ...webhookFaults(hourglass),
  'provider times out': providerTimeout,
  'node killed': nodeKilled,
};
const expected = (fault: string) => strikes[fault]?.endings ?? paidEndings;

/** Holds that are as short as a busy machine lets them be, since payments must begin before their end; a grace that never extends them. */
const holds = (seconds: number) => ({ HOLD_TTL_SECONDS: String(seconds), PAYMENT_GRACE_SECONDS: '0.1' });
const results = new Map<string, readonly Ending[]>();
const nodes: NodeUnderTest[] = [];

/** Each node takes its faults in turn; the nodes are drilled side by side. */
async function drillNode(starting: Promise<NodeUnderTest>, faults: Readonly<Record<string, Strike>>): Promise<void> {
  const node = await starting;
  nodes.push(node);
  for (const [fault, strike] of Object.entries(faults)) {
    results.set(fault, []);
    results.set(fault, await drill(node, strike));
    node.line.heal();
    await node.shop.setFaults({});
  }
}

beforeAll(async () => {
  await Promise.all([
    drillNode(startNodeUnderTest(holds(5), { clock: hourglass }), webhookFaults(hourglass)),
    // Longer than the node waits for an answer of the provider (10 s), and asks again.
    drillNode(startNodeUnderTest(holds(20)), { 'provider times out': providerTimeout }),
    drillNode(startNodeUnderTest(holds(5), { ownProcess: true }), { 'node killed': nodeKilled }),
  ]);
}, 300_000);

afterAll(async () => {
  const rows = Object.keys(strikes).map((fault): [string, readonly Ending[]] => [fault, results.get(fault) ?? []]);
  console.log(tableOf(new Map(rows), expected));
  for (const node of nodes) await node.close();
});

describe('a payment', () => {
  it.each(Object.keys(strikes))('with this: %s', (fault) => {
    expect(results.get(fault)).toEqual(expected(fault));
  });

  it('leaves books that agree with the provider’s, whatever was done to it', async () => {
    for (const node of nodes) expect(await node.findings()).toEqual([]);
  });
});
