/** What every ledger must do, in memory or in PostgreSQL. Each test has an event of its own. */
import { beforeAll, describe } from 'vitest';
import type { LedgerUnderTest } from './ledger-bench.ts';
import { describeCommits } from './ledger-commits.ts';
import { describeFencing } from './ledger-fencing.ts';
import { describeRecall } from './ledger-recall.ts';

export function describeLedger(name: string, open: () => Promise<LedgerUnderTest>): void {
  describe(`${name}: a ledger`, () => {
    let store: LedgerUnderTest;
    beforeAll(async () => {
      store = await open();
    });
    describeCommits(() => store);
    describeFencing(() => store);
    describeRecall(() => store);
  });
}
