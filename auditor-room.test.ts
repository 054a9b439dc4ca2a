/** The order of a waiting room broken by hand in a real log: the audit must turn red for P5, and say where. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type AuditedSale, openSale } from './test/audited-sale.ts';

let sale: AuditedSale;
/** A sale for each test: what is broken stays broken. */
beforeEach(async () => {
  sale = await openSale();
  return () => sale.close();
});

/** Its log: terms, two who join, and the first of them let in. */
const tampered: readonly (readonly [string, string, string])[] = [
  [
    'an entry that was changed',
    `update queue_log set who = (select who from queue_log where seq = 3) where seq = 4`,
    'entry 4 of its log is not what was chained: it or the entry before was changed',
  ],
  [
    'an entry that was cut out',
    'delete from queue_log where seq = 2',
    'entry 3 of its log follows entry 1: entries are missing or repeated',
  ],
  ['a log that lost its end', 'delete from queue_log where seq = 4', 'it wrote 4 entries, and its log ends with 3'],
];

describe('P5 is violated by', () => {
  it.each(tampered)('%s', async (_what, text, sentence) => {
    expect((await sale.audit()).clean).toBe(true);
    await sale.database.query(text);
    const report = await sale.audit();
    const broken = report.checks.filter((check) => check.violations > 0).map((check) => check.promise);
    expect(broken).toEqual(['P5']);
    expect(report.findings.map((finding) => finding.sentence)).toContain(
      `waiting room of ${sale.eventId}: ${sentence}`,
    );
  });
});
