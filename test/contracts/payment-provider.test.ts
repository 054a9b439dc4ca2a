/** The contract of `PaymentProvider`, held against every provider at its sandbox. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type Intent,
  type PaymentProvider,
  ProviderRefused,
  ProviderUnavailable,
  providerNames,
  RefundByHand,
} from '../../engine/payment.ts';
import { connectProviders } from '../../node/providers.ts';
import { gatewayKeys } from '../gateway-buyer.ts';
import { openBench, type ProviderBench, providerTraits } from './provider-bench.ts';

describe.each(providerNames)('%s', (name) => {
  const trait = providerTraits[name];
  let bench: ProviderBench;
  let provider: PaymentProvider;
  beforeAll(async () => {
    bench = await openBench(name);
    provider = bench.provider;
  });
  afterAll(() => bench.close());

  async function paid(): Promise<Intent & { readonly bookingId: string; readonly comesBackTo: string | null }> {
    const request = bench.request();
    const intent = await provider.openIntent(request);
    const comesBackTo = await bench.decide(intent, 'approve');
    return { ...intent, bookingId: request.bookingId, comesBackTo };
  }

  describe('an order', () => {
    it('is paid in exactly one of the two ways', async () => {
      const { clientSecret, redirectUrl } = await provider.openIntent(bench.request());
      expect([clientSecret, redirectUrl].filter((way) => way !== undefined)).toHaveLength(1);
    });

    it('asked for again is the same, or refused: never a second that could be paid', async () => {
      const request = bench.request();
      const first = await provider.openIntent(request);
      const again = await provider.openIntent(request).catch((error: unknown) => error);
      if (!(again instanceof ProviderRefused)) expect(again).toEqual(first);
    });

    it('of the next attempt is another', async () => {
      const request = bench.request();
      const next = { ...request, paymentId: randomUUID(), idempotencyKey: `${request.idempotencyKey}:2` };
      const [first, second] = [await provider.openIntent(request), await provider.openIntent(next)];
      expect(second.intentId).not.toBe(first.intentId);
    });

    it('whose answer was lost cannot be paid twice', async () => {
      if (name === 'vnpay') return; // Asks nobody when it opens an order.
      const request = bench.request();
      await bench.shop.setFaults({ timeout: true });
      await expect(bench.hurried.openIntent(request)).rejects.toThrow(ProviderUnavailable);
      const again = await provider.openIntent(request).catch((error: unknown) => error);
      if (again instanceof ProviderRefused) return;
      await bench.decide(again as Intent, 'approve');
      const charges = await bench.shop.charges();
      expect(charges.filter((charge) => charge.booking_id === request.bookingId)).toHaveLength(1);
    });

    it('in a currency that is not the provider’s is refused', async () => {
      if (name === 'stripe') return; // Stripe's own list is long, and Stripe refuses by it.
      await expect(provider.openIntent(bench.request({ currency: 'THB' }))).rejects.toThrow(ProviderRefused);
    });
  });

  describe('asking', () => {
    it('an order that nobody decided on says that it may still be paid', async () => {
      const { intentId } = await provider.openIntent(bench.request());
      expect(await provider.readIntent(intentId)).toMatchObject({ intentId, status: 'processing', declineCode: null });
    });

    it('a paid order says what was collected', async () => {
      const { intentId } = await paid();
      const money = { amountMinor: 300_000, currency: name === 'stripe' ? 'THB' : 'VND', refundedMinor: 0 };
      expect(await provider.readIntent(intentId)).toMatchObject({ intentId, status: 'succeeded', ...money });
    });

    it('a refused order says why, and whether that was the end of it', async () => {
      const intent = await provider.openIntent(bench.request());
      await bench.decide(intent, 'refuse');
      expect(await provider.readIntent(intent.intentId)).toMatchObject({
        status: trait.refusalEnds ? 'cancelled' : 'processing',
        declineCode: expect.any(String),
      });
      expect(await bench.shop.chargesOf(intent.intentId)).toEqual([]);
    });

    it('while nobody answers says that nobody knows', async () => {
      const dead = providersAt('http://127.0.0.1:9');
      await expect(dead[name]?.readIntent(idOfNoOrder[name])).rejects.toThrow(ProviderUnavailable);
    });

    // The last is ZaloPay's word that an order was paid, without how much; to the others it is as odd as the rest.
    it.each([{}, { message: 'try later' }, { return_code: 1 }])('%j is no answer of a provider', async (oddity) => {
      const proxy = createServer((request, response) => {
        request.resume();
        response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(oddity));
      }).listen(0, '127.0.0.1');
      await once(proxy, 'listening');
      const odd = providersAt(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
      await expect(odd[name]?.readIntent(idOfNoOrder[name])).rejects.toThrow(ProviderUnavailable);
      proxy.closeAllConnections();
      proxy.close();
    });
  });

  describe('cancelling', () => {
    it('an open order ends it, or lets it run out', async () => {
      const intent = await provider.openIntent(bench.request());
      const { status } = await provider.cancelIntent(intent.intentId);
      expect(status).toBe(trait.canVoid ? 'cancelled' : 'processing');
      if (trait.canVoid) await bench.decide(intent, 'approve').catch(() => null);
      expect(await bench.shop.chargesOf(intent.intentId)).toEqual([]);
    });

    it('a paid order says that the money was faster', async () => {
      const { intentId } = await paid();
      expect(await provider.cancelIntent(intentId)).toMatchObject({ status: 'succeeded', amountMinor: 300_000 });
    });
  });

  describe('a refund', () => {
    it('goes through once, however often it is asked for', async () => {
      const { intentId } = await paid();
      const refund = { intentId, amountMinor: 300_000, idempotencyKey: `refund:${intentId}` };
      if (!trait.refunds) {
        await expect(provider.refund(refund)).rejects.toThrow(RefundByHand);
        return;
      }
      const first = await provider.refund(refund);
      expect(await provider.refund(refund)).toEqual(first);
      expect(await bench.shop.chargesOf(intentId)).toMatchObject([{ amount: 300_000, refunded: 300_000 }]);
    });

    it('whose answer was lost is not given twice', async () => {
      if (!trait.refunds) return;
      const { intentId } = await paid();
      const refund = { intentId, amountMinor: 100_000, idempotencyKey: `refund:${intentId}` };
      const lost = name === 'stripe' ? await losingStripes(bench) : losingRefunds();
      await expect(bench.hurried.refund(refund)).rejects.toThrow(ProviderUnavailable);
      lost.mockRestore();
      await provider.refund(refund);
      expect(await bench.shop.chargesOf(intentId)).toMatchObject([{ refunded: 100_000 }]);
    });

    it('of more than was paid, or of nothing that was paid, is refused', async () => {
      const { intentId } = await paid();
      const open = await provider.openIntent(bench.request());
      for (const [id, amountMinor] of [
        [intentId, 300_001],
        [open.intentId, 1],
      ] as const) {
        const asked = provider.refund({ intentId: id, amountMinor, idempotencyKey: randomUUID() });
        await expect(asked).rejects.toThrow(ProviderRefused);
      }
    });
  });
});

const idOfNoOrder = {
  stripe: 'pi_1',
  vnpay: '202611210000002026112100100001980000000070008000000000000005',
  zalopay: '261121_1',
  payos: '1',
};

/** Answers to refunds get lost after their work was done. */
function losingRefunds() {
  const call = globalThis.fetch;
  return vi.spyOn(globalThis, 'fetch').mockImplementation(async (address, init) => {
    const answer = await call(address, init);
    if (/\/v2\/refund$|"vnp_Command":"refund"/.test(`${init?.body}${String(address)}`)) throw new Error('cut off');
    return answer;
  });
}

async function losingStripes({ shop }: ProviderBench) {
  await shop.setFaults({ timeout: true });
  return { mockRestore: () => {} };
}

function providersAt(url: string) {
  const { vnpay, zalopay, payos } = gatewayKeys;
  const accounts = {
    stripe: { secretKey: 'sk_test_1', webhookSecrets: ['whsec_1'], apiBase: url },
    vnpay: { ...vnpay, apiBase: `${url}/vnpay` },
    zalopay: { ...zalopay, apiBase: `${url}/zalopay` },
    payos: { ...payos, apiBase: `${url}/payos` },
  };
  return connectProviders(accounts, { now: Date.now, publicUrl: () => 'http://x.test' });
}
