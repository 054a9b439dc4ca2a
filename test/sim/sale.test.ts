/**
 * Two zone actors of one event, as they run in production, in a simulated world: random interleavings, lost answers, a
 * gate that forgets, restarts and is rebuilt by others, owners that are fenced, actors that crash. A failed seed is
 * printed; `SIM_SEED=n` runs it alone, `SIM_SEEDS=n` runs more of them.
 */
import { expect, it } from 'vitest';
import { fates, Tally } from './faults.ts';
import { runSale } from './sale.ts';

const first = Number(process.env.SIM_SEED ?? 1);
const count = Number(process.env.SIM_SEEDS ?? (process.env.SIM_SEED ? 1 : 1_000));

/** What must have happened over all seeds, or the run has not shown what it claims. */
const mustHappen = [
  ...['gate.apply', 'gate.acquire', 'gate.read', 'gate.rebuild'].flatMap((call) =>
    fates.map((f) => `${call} lost ${f}`),
  ),
  ...['ledger.commit', 'ledger.acquire'].flatMap((call) => fates.map((f) => `${call} lost ${f}`)),
  ...[
    'gate forgets',
    'gate restarts',
    'gate rolls back',
    'event rebuilt by another node',
    'zone taken by another node',
  ],
  'batch of another node: committed',
  ...['crash in batched', 'crash in lua', 'crash in commit', 'crash in doubt', 'batch repeated'],
  ...['the gate did not answer', 'the truth did not answer', 'the gate is stale', 'the gate is fenced'].map(
    (why) => `doubt: ${why}`,
  ),
  ...[
    'new',
    'replayed',
    'INSUFFICIENT_STOCK',
    'MAX_PER_USER_EXCEEDED',
    'IDEMPOTENCY_MISMATCH',
    'SERVICE_UNAVAILABLE',
  ].map((result) => `reserve: ${result}`),
  ...['confirm', 'cancel', 'extend', 'reacquire', 'write-off'].map((move) => `${move}: applied`),
  ...['confirm: absent', 'reacquire: too-few', 'reacquire: over-limit'],
];

it(`keeps its promises through ${count} simulated sales`, { timeout: 1_000 * count + 60_000 }, async () => {
  const total = new Tally();
  const broken: string[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const sale = await runSale(seed);
    total.addAll(sale.tally);
    broken.push(...new Set(sale.broken.map((what) => `SIM_SEED=${seed}: ${what}`)));
  }
  console.log(
    `simulated sales: seeds ${first} to ${first + count - 1}, generated:`,
    Object.fromEntries([...total.counts].sort()),
  );
  expect(broken).toEqual([]);
  if (count >= 300) expect(mustHappen.filter((what) => !total.counts.has(what))).toEqual([]);
});

it('has the same history for the same seed', async () => {
  const [one, again, other] = [await runSale(first), await runSale(first), await runSale(first + 1)];
  expect(one.history.length).toBeGreaterThan(10_000);
  expect(again.history).toBe(one.history);
  expect(other.history).not.toBe(one.history);
});
