/** P3 broken by hand: charges of a real sandbox and rows of our books that do not fit each other. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { AuditReport } from './engine/audit.ts';
import { type AuditedSale, openSale } from './test/audited-sale.ts';
import { newId, reserveCommand } from './test/contracts/event-sample.ts';

let sale: AuditedSale;
/** A sale for each test: what is broken stays broken. */
beforeEach(async () => {
  sale = await openSale();
  return () => sale.close();
});

const violated = (report: AuditReport) =>
  report.checks.filter((check) => check.violations > 0).map((check) => check.promise);

/** The one promise that is broken, and the sentences of its violations. */
async function brokenBy(tamper: () => Promise<unknown>): Promise<readonly [string[], string]> {
  await tamper();
  const report = await sale.audit();
  expect(report.clean).toBe(violated(report).length === 0);
  return [violated(report), report.findings.map((finding) => finding.sentence).join('\n')];
}

const sql = (text: string, values: unknown[] = []) => sale.database.query(text, values);

describe('P3 is violated by', () => {
  it('a charge that is kept for a booking that was given back', async () => {
    const [promises, sentences] = await brokenBy(() => sale.charge(sale.cancelled.bookingId));
    expect(promises).toEqual(['P3']);
    expect(sentences).toContain(
      `booking ${sale.cancelled.bookingId} (cancelled) is not confirmed, but its charge is kept`,
    );
  });

  it('two charges for one booking', async () => {
    const [promises, sentences] = await brokenBy(() => sale.charge(sale.confirmed.bookingId));
    expect(promises).toEqual(['P3']);
    expect(sentences).toContain('was charged 2 times');
  });

  it('a confirmed booking that nobody paid for', async () => {
    const [promises, sentences] = await brokenBy(async () => {
      await sql('delete from payments');
      await sale.shop.stripe.refunds.create({ payment_intent: await intentOf(sale.confirmed.bookingId) });
    });
    expect(promises).toEqual(['P3']);
    expect(sentences).toContain('was confirmed without a charge of 500000 THB');
  });

  it('a charge of another amount', async () => {
    const paid = reserveCommand({ quantity: 1, expiresAtMs: Date.now() + 600_000 });
    await sale.batch([paid]);
    await sale.batch([{ kind: 'confirm', bookingId: paid.bookingId }]);
    await sale.charge(paid.bookingId, 300_000);
    const report = await sale.audit();
    expect(violated(report)).toContain('P3');
    expect(report.findings.map((finding) => finding.sentence).join()).toContain('costs 250000 THB, but');
  });

  it('a charge for a booking that is not there', async () => {
    const bookingId = newId();
    const [promises, sentences] = await brokenBy(() => sale.charge(bookingId));
    expect(promises).toEqual(['P3']);
    expect(sentences).toContain(`for booking ${bookingId}, which is not there`);
  });

  it('money that went back without our books knowing', async () => {
    const [promises, sentences] = await brokenBy(async () => {
      await sale.shop.stripe.refunds.create({
        payment_intent: await intentOf(sale.confirmed.bookingId),
        amount: 1_000,
      });
    });
    expect(promises).toEqual(['P3']);
    expect(sentences).toContain('has refunds of 0, the provider gave back 1000');
  });

  it('our own books alone, when the charges cannot be read', async () => {
    await sql(`update payments set status = 'refunded'`);
    const report = await sale.audit({ readCharges: null });
    expect(violated(report)).toEqual(['P3']);
    expect(report.findings[0]?.sentence).toContain('was confirmed without a charge');
  });

  it('a saga that still stands somewhere, though all is settled', async () => {
    const [promises, sentences] = await brokenBy(() =>
      sql(
        `insert into saga_instances (event_id, booking_id, status, step, error, updated_at)
         values ($1, $2, 'compensating', 'refund', 'no answer', now())`,
        [sale.eventId, sale.cancelled.bookingId],
      ),
    );
    expect(promises).toEqual(['P3']);
    expect(sentences).toBe(`the saga of booking ${sale.cancelled.bookingId} stands at refund (no answer)`);
  });

  it('nothing yet, when a charge may belong to a booking that was made since the truth was read', async () => {
    await sale.charge(newId());
    const report = await sale.audit({ settled: false });
    expect(violated(report)).toEqual([]);
    expect(report.checks.find((check) => check.promise === 'P3')?.pending).toBe(1);
  });

  it('nothing yet, while the charge is so young that its saga may be at it', async () => {
    await sale.charge(sale.reserved.bookingId);
    const report = await sale.audit({ settled: false });
    expect(violated(report)).toEqual([]);
    expect(report.checks.find((check) => check.promise === 'P3')?.pending).toBe(2);
  });

  async function intentOf(bookingId: string): Promise<string> {
    const charge = (await sale.shop.charges()).find((listed) => listed.booking_id === bookingId);
    return charge?.payment_intent ?? '';
  }
});
