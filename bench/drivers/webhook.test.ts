import { describe, expect, it } from 'vitest';
import { readStripeNotice } from '../../providers/stripe/notice.ts';
import { noticePrefix, openWebhookDriver, type PaidFixture, readNoticeId } from './webhook.ts';

const paid = { bookingId: 'b', userId: 'u', zoneId: 'z', key: 'k', intentId: 'pi_1', amount: 1_500, currency: 'thb' };
const fixture: PaidFixture = {
  ...{ event_id: 'e', show_id: 's', zone_ids: ['z'], users: [] },
  webhook_secret: 'whsec_test',
  paid: [paid, { ...paid, bookingId: 'other', intentId: 'pi_2' }],
};

describe('the webhook driver', () => {
  const driver = openWebhookDriver(fixture, 'run');

  it('sends what our own reader takes for a notice of the provider', () => {
    const { path, headers, body } = driver.request(1, 1_795_000_000_123.7);
    expect(path).toBe('/api/v1/webhooks/stripe');
    const signature = headers['Stripe-Signature'] ?? '';
    const delivery = { rawBody: Buffer.from(body), signature, nowMs: Date.now() };
    const read = readStripeNotice(delivery, { webhookSecrets: ['whsec_test'], livemode: false });
    expect(read).toMatchObject({
      ok: true,
      value: { kind: 'succeeded', intentId: 'pi_2', bookingId: 'other', amountMinor: 1_500, currency: 'THB' },
    });
    const { id } = JSON.parse(body);
    expect(id.startsWith(noticePrefix('run'))).toBe(true);
    expect(readNoticeId(id)).toEqual({ n: 1, dueAtMs: 1_795_000_000_124 });
  });

  it('takes an acknowledgement for the promise of a ticket, and nothing else', () => {
    expect(driver.judge({ status: 200, head: '', body: '' })).toBe('accepted');
    expect(driver.judge({ status: 503, head: '', body: '' })).toBe('failed');
    expect(driver.acked(2, { status: 200, head: '', body: '' })).toMatchObject({ bookingId: 'b', status: 'confirmed' });
  });

  it('has nothing to say without payments', () => {
    expect(() => openWebhookDriver({ event_id: 'e', show_id: 's', zone_ids: [], users: [] }, 'run')).toThrow('paid');
  });
});
