/** What may go wrong with a payment, by name, and how the sandbox, the line to it and the node are made to do so. */
import { expect, vi } from 'vitest';
import { type SandboxClock, wallClock } from '../../providers/sandbox/clock.ts';
import type { OwnBroker } from '../kafka-broker.ts';
import type { NodeUnderTest } from '../node-under-test.ts';
import { answerChallenge } from '../sandbox-buyer.ts';
import { type Cell, card, type Strike, unpaid } from './cells.ts';

const noFunds = '4000000000009995';
const asksWhoPays = '4000002500003155';
const hourMs = 3_600_000;

/** The provider's clock, on which an hour is over when the test says so; a notice is signed when it leaves. */
export interface Hourglass extends SandboxClock {
  turn(): void;
}

export function newHourglass(): Hourglass {
  const waiting: (() => void)[] = [];
  return {
    ...wallClock,
    after(delayMs, run) {
      if (delayMs < hourMs) return wallClock.after(delayMs, run);
      waiting.push(run);
      return () => {};
    },
    turn() {
      for (const run of waiting.splice(0)) run();
    },
  };
}

/** Charges the card while the sandbox does this to its webhooks: whatever leaves with the charge is struck. */
function whileWebhooks(faults: object, charge: Strike['charge'] = async (cell, node) => void (await card(node, cell))) {
  return async (cell: Cell, node: NodeUnderTest) => {
    await node.shop.setFaults({ ...faults, for_next: null });
    await charge(cell, node);
    await node.shop.setFaults({});
  };
}

async function declinedThenPaid(cell: Cell, node: NodeUnderTest): Promise<void> {
  await card(node, cell, noFunds);
  await card(node, cell);
}

async function challengeRefused(cell: Cell, node: NodeUnderTest): Promise<void> {
  const { challengeUrl = '' } = await card(node, cell, asksWhoPays);
  await answerChallenge(challengeUrl, 'refuse');
}

/** So many notices are stored, and all that was told has reached whom it concerns. A broker takes its time to come back. */
async function allTold({ database }: NodeUnderTest, atLeast: number): Promise<void> {
  const text = `
    select (select count(*)::int from webhook_events) as stored,
           (select count(*)::int from outbox where published_at is null) as untold`;
  const arrived = async () => {
    const { rows } = await database.query(text);
    expect(rows[0]).toMatchObject({ untold: 0 });
    expect(rows[0].stored).toBeGreaterThanOrEqual(atLeast);
  };
  // Not `expect.poll`, which is for tests only: the drills run before them.
  await vi.waitFor(arrived, { timeout: 90_000, interval: 50 });
}

async function storedNotices({ database }: NodeUnderTest): Promise<number> {
  return (await database.query('select 1 from webhook_events')).rowCount ?? 0;
}

/** Faults that a node with short holds is put through, one after the other. */
export function webhookFaults(hourglass: Hourglass): Readonly<Record<string, Strike>> {
  return {
    'webhook dropped': { charge: whileWebhooks({ drop: true }) },
    'webhook five times': { charge: whileWebhooks({ duplicate: 4 }) },
    'webhooks reordered': { charge: whileWebhooks({ reorder: true }, declinedThenPaid) },
    'webhook an hour late': {
      charge: whileWebhooks({ delay_ms: hourMs }),
      async aftermath(node) {
        const before = await storedNotices(node);
        hourglass.turn();
        // One notice of success for each of the four payments; others of the sandbox are stored beside it.
        await allTold(node, before + 4);
      },
    },
    'webhook signed wrongly': { charge: whileWebhooks({ bad_signature: true }) },
    'provider answers 500': {
      arm: async ({ line }) => line.failFirst(2),
      charge: async (cell, node) => void (await card(node, cell)),
    },
    'declined, then paid': { charge: declinedThenPaid },
    '3-D Secure refused': { charge: challengeRefused, endings: [unpaid, unpaid, unpaid, unpaid] },
  };
}

/** The work is done and nobody hears of it: the node waits its full patience for an answer, at each cell's first call. */
export const providerTimeout: Strike = {
  arm: ({ shop }) => shop.setFaults({ timeout: true, for_next: 4 }),
  charge: async (cell, node) => void (await card(node, cell)),
};

/** While the webhook is on its way. */
export const nodeKilled: Strike = {
  async charge(cell, node) {
    await card(node, cell);
    await node.kill();
    await node.start();
  },
};

/** Notices are stored and wait; the reconciler asks the provider. When the broker is back, they come late. */
export function kafkaDown(broker: OwnBroker): Strike {
  return {
    arm: () => broker.stop(),
    charge: async (cell, node) => void (await card(node, cell)),
    async aftermath(node) {
      await broker.start();
      await allTold(node, 4);
    },
  };
}
