/**
 * The calls of our Stripe adapter against Stripe's own `stripe-mock`, which checks each request against Stripe's
 * published OpenAPI description and answers with its fixtures. It keeps no state, so only the shape of what we send
 * and read is proven here; behaviour is proven against the sandbox.
 *
 * Runs when STRIPE_MOCK_URL says where it listens (`go install github.com/stripe/stripe-mock@latest`).
 */
import { describe, expect, test } from 'vitest';
import { ProviderRefused } from '../engine/payment.ts';
import { createStripeProvider } from '../providers/stripe/stripe.ts';

const apiBase = process.env.STRIPE_MOCK_URL;
if (apiBase === undefined) console.log('skipped: STRIPE_MOCK_URL is not set');

describe.skipIf(apiBase === undefined)('Stripe accepts what the adapter sends', () => {
  const provider = createStripeProvider({
    secretKey: 'sk_test_mock',
    webhookSecrets: ['whsec_mock'],
    ...(apiBase === undefined ? {} : { apiBase }),
    timeoutMs: 10_000,
  });
  const request = {
    bookingId: '01890000-0000-7000-8000-000000000001',
    eventId: '01890000-0000-7000-8000-000000000002',
    paymentId: '01890000-0000-7000-8000-000000000003',
    amountMinor: 300_000,
    currency: 'THB',
    idempotencyKey: 'booking:1:pay:1',
    requestedAtMs: 0,
    payBeforeMs: 600_000,
  };

  test('openIntent', async () => {
    expect(await provider.openIntent(request)).toEqual({
      intentId: expect.stringMatching(/^pi_/),
      clientSecret: expect.stringContaining('_secret_'),
    });
  });

  test('readIntent', async () => {
    expect(await provider.readIntent('pi_123')).toMatchObject({
      intentId: 'pi_123',
      status: 'processing',
      amountMinor: expect.any(Number),
      currency: expect.stringMatching(/^[A-Z]{3}$/),
      bookingId: null,
      declineCode: null,
      refundedMinor: expect.any(Number),
    });
  });

  test('cancelIntent', async () => {
    expect(await provider.cancelIntent('pi_123')).toMatchObject({ intentId: 'pi_123' });
  });

  test('refund', async () => {
    const refund = { intentId: 'pi_123', amountMinor: 100, idempotencyKey: 'booking:1:refund:1' };
    expect(await provider.refund(refund)).toEqual({ refundId: expect.stringMatching(/^re_/) });
  });

  test('a request that Stripe would not accept is refused, so the checks above are real', async () => {
    await expect(provider.openIntent({ ...request, amountMinor: 1.5 })).rejects.toThrow(ProviderRefused);
  });
});
