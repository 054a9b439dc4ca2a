/** What every gate must do, in memory or in Redis. Each test has an event of its own. */
import { beforeAll, describe } from 'vitest';
import { GateBench, type GateUnderTest } from './gate-bench.ts';
import { describeJudging } from './gate-judging.ts';
import { describeOwners } from './gate-owners.ts';
import { describeRebuild } from './gate-rebuild.ts';
import { describeUndo } from './gate-undo.ts';

export function describeGate(name: string, open: () => Promise<GateUnderTest>): void {
  describe(`${name}: a gate`, () => {
    const bench = new GateBench();
    beforeAll(() => bench.open(open));
    describeJudging(bench);
    describeOwners(bench);
    describeUndo(bench);
    describeRebuild(bench);
  });
}
