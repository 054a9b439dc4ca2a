/** The part of the contract of `PaymentProvider` that is about what comes by itself: notices and returns. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Intent, type PaymentNotice, type PaymentProvider, providerNames } from '../../engine/payment.ts';
import { type Delivered, openBench, type ProviderBench, providerTraits } from './provider-bench.ts';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const queryOf = (url: string) => Object.fromEntries(new URL(url).searchParams);

describe.each(providerNames)('%s', (name) => {
  const trait = providerTraits[name];
  let bench: ProviderBench;
  let provider: PaymentProvider;
  beforeAll(async () => {
    bench = await openBench(name);
    provider = bench.provider;
  });
  afterAll(() => bench.close());

  const read = ({ rawBody, signature }: Delivered) => provider.readNotice(rawBody, signature, Date.now());
  /** The first delivery about this intent that says what is wanted. */
  const noticeOf = (intentId: string, kind: string) =>
    vi.waitFor(() => {
      for (const delivery of bench.delivered) {
        const notice = read(delivery);
        if (notice.ok && notice.value.kind === kind && 'intentId' in notice.value && notice.value.intentId === intentId)
          return { delivery, notice: notice.value };
      }
      throw new Error(`nothing ${kind} about ${intentId} among ${bench.delivered.length}`);
    });
  async function paid(): Promise<Intent & { readonly bookingId: string; readonly comesBackTo: string | null }> {
    const request = bench.request();
    const intent = await provider.openIntent(request);
    const comesBackTo = await bench.decide(intent, 'approve');
    return { ...intent, bookingId: request.bookingId, comesBackTo };
  }

  describe('a notice', () => {
    it('of a payment says whose, and how much', async () => {
      const { intentId, bookingId } = await paid();
      const { notice } = await noticeOf(intentId, 'succeeded');
      expect(notice).toMatchObject({
        intentId,
        bookingId: trait.tellsBooking ? bookingId : null,
        amountMinor: 300_000,
        currency: name === 'stripe' ? 'THB' : 'VND',
        declineCode: null,
      });
    });

    it('that comes twice has one id', async () => {
      await bench.shop.setFaults({ duplicate: 1, for_next: null });
      const { intentId } = await paid();
      await noticeOf(intentId, 'succeeded');
      const ids = await vi.waitFor(() => {
        const about = bench.delivered.map(read).flatMap((notice) => (notice.ok ? [notice.value] : []));
        const mine = about.filter(
          (notice): notice is Exclude<PaymentNotice, { kind: 'ignored' }> =>
            notice.kind === 'succeeded' && notice.intentId === intentId,
        );
        expect(mine.length).toBeGreaterThanOrEqual(2);
        return mine.map((notice) => notice.providerEventId);
      });
      expect(new Set(ids).size).toBe(1);
      await bench.shop.setFaults({});
    });

    it('of a refusal is told by those that tell it', async () => {
      const intent = await provider.openIntent(bench.request());
      await bench.decide(intent, 'refuse');
      if (!trait.tellsRefusal) return;
      const { notice } = await noticeOf(intent.intentId, trait.refusalEnds ? 'cancelled' : 'failed');
      expect(notice).toMatchObject({ declineCode: expect.any(String) });
    });

    it('signed with another key is not believed', async () => {
      await bench.shop.setFaults({ bad_signature: true });
      const before = bench.delivered.length;
      await paid();
      const forged = await vi.waitFor(() => {
        const verdicts = bench.delivered.slice(before).map(read);
        expect(verdicts.length).toBeGreaterThan(0);
        return verdicts[0];
      });
      expect(forged).toMatchObject({ ok: false, rejection: { code: 'UNAUTHORIZED' } });
    });

    it('is not believed after any byte of it was changed', async () => {
      const { intentId } = await paid();
      const { delivery } = await noticeOf(intentId, 'succeeded');
      const changes = [
        ['300000', '100000'],
        [intentId, `${intentId.slice(0, -1)}${intentId.endsWith('1') ? '2' : '1'}`],
      ] as const;
      for (const [from, to] of changes) {
        const changed = text(delivery.rawBody).replaceAll(from, to);
        expect(changed, from).not.toBe(text(delivery.rawBody));
        const verdict = provider.readNotice(Buffer.from(changed), delivery.signature, Date.now());
        expect(verdict).toMatchObject({ ok: false, rejection: { code: 'UNAUTHORIZED' } });
      }
    });

    it.each([
      '',
      '{}',
      'null',
      '[]',
      '1',
      '"',
      '{"data":null}',
      '{"data":{},"signature":1}',
      '{"data":"{","mac":"","type":1}',
      '%',
      '&&=&',
      'vnp_SecureHash=',
      '\u0000',
    ])('that is %j is refused, and harms nobody', (garbage) => {
      expect(provider.readNotice(Buffer.from(garbage), 't=1,v1=00', Date.now())).toMatchObject({ ok: false });
    });
  });

  describe('a return', () => {
    it('names the order, and moves nothing', async () => {
      const { intentId, comesBackTo } = await paid();
      const query = comesBackTo === null ? { payment_intent: intentId } : queryOf(comesBackTo);
      expect(provider.readReturn(query)).toEqual({ ok: true, value: { intentId } });
    });

    it('that was changed is refused where returns are signed', async () => {
      const { comesBackTo } = await paid();
      if (!trait.signsReturn || comesBackTo === null) return;
      const query = queryOf(comesBackTo);
      for (const field of Object.keys(query)) {
        const changed = provider.readReturn({ ...query, [field]: `${query[field]}0` });
        expect(changed, field).toMatchObject({ ok: false, rejection: { code: 'UNAUTHORIZED' } });
      }
    });

    it('without an order is refused', () => {
      expect(provider.readReturn({})).toMatchObject({ ok: false });
    });
  });
});
