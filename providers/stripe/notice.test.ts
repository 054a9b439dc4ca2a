import Stripe from 'stripe';
import { describe, expect, test } from 'vitest';
import { readStripeNotice } from './notice.ts';

const nowMs = Date.parse('2026-11-21T10:00:00Z');
const nowSeconds = nowMs / 1000;
const secret = 'whsec_current';
const trust = { webhookSecrets: [secret], livemode: false };

function bodyOf(type: string, over: object = {}): string {
  return JSON.stringify({
    id: 'evt_1',
    object: 'event',
    type,
    livemode: false,
    data: {
      object: {
        id: 'pi_1',
        amount: 300_000,
        amount_received: type === 'payment_intent.succeeded' ? 300_000 : 0,
        currency: 'thb',
        metadata: { booking_id: 'b-1', event_id: 'e-1' },
        last_payment_error: null,
      },
    },
    ...over,
  });
}

function signed(body: string, by: { secret?: string; timestamp?: number } = {}): string {
  return Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: nowSeconds, ...by });
}

function read(body: string, signature: string, trusting: typeof trust = trust) {
  return readStripeNotice({ rawBody: Buffer.from(body), signature, nowMs }, trusting);
}

const unauthorized = { ok: false, rejection: { code: 'UNAUTHORIZED' } };
const unreadable = { ok: false, rejection: { code: 'VALIDATION_ERROR' } };
const succeeded = bodyOf('payment_intent.succeeded');

describe('what a notice says', () => {
  test('a payment succeeded', () => {
    expect(read(succeeded, signed(succeeded))).toEqual({
      ok: true,
      value: {
        kind: 'succeeded',
        providerEventId: 'evt_1',
        intentId: 'pi_1',
        bookingId: 'b-1',
        eventId: 'e-1',
        amountMinor: 300_000,
        currency: 'THB',
        declineCode: null,
      },
    });
  });

  test.each([
    ['payment_intent.payment_failed', 'failed'],
    ['payment_intent.canceled', 'cancelled'],
  ])('%s', (type, kind) => {
    const body = bodyOf(type);
    expect(read(body, signed(body))).toMatchObject({ ok: true, value: { kind, amountMinor: 300_000 } });
  });

  test.each([
    [{ code: 'card_declined', decline_code: 'insufficient_funds' }, 'insufficient_funds'],
    [{ code: 'payment_intent_authentication_failure' }, 'payment_intent_authentication_failure'],
  ])('why it failed: %o', (error, declineCode) => {
    const intent = { id: 'pi_1', amount: 1, currency: 'thb', metadata: {}, last_payment_error: error };
    const body = bodyOf('payment_intent.payment_failed', { data: { object: intent } });
    expect(read(body, signed(body))).toMatchObject({ ok: true, value: { declineCode, bookingId: null } });
  });

  test('any other type is acknowledged and ignored', () => {
    const body = bodyOf('charge.refunded');
    const value = { kind: 'ignored', providerEventId: 'evt_1', type: 'charge.refunded' };
    expect(read(body, signed(body))).toEqual({ ok: true, value });
  });
});

describe('whom it believes', () => {
  test('nobody without one of our secrets', () => {
    expect(read(succeeded, signed(succeeded, { secret: 'whsec_other' }))).toMatchObject(unauthorized);
  });

  test('both secrets while one replaces the other', () => {
    const rotating = { webhookSecrets: ['whsec_next', secret], livemode: false };
    expect(read(succeeded, signed(succeeded), rotating)).toMatchObject({ ok: true });
    expect(read(succeeded, signed(succeeded, { secret: 'whsec_next' }), rotating)).toMatchObject({ ok: true });
    expect(read(succeeded, signed(succeeded, { secret: 'whsec_old' }), rotating)).toMatchObject(unauthorized);
  });

  test('a header that carries the signatures of two secrets', () => {
    const [, foreign] = signed(succeeded, { secret: 'whsec_other' }).split(',');
    expect(read(succeeded, `${signed(succeeded)},${foreign}`)).toMatchObject({ ok: true });
  });

  test('nobody when there is no secret at all', () => {
    expect(read(succeeded, signed(succeeded), { webhookSecrets: [], livemode: false })).toMatchObject(unauthorized);
    const blank = signed(succeeded, { secret: 'x' });
    expect(read(succeeded, blank, { webhookSecrets: [''], livemode: false })).toMatchObject(unauthorized);
  });

  test('only the very bytes that were signed', () => {
    expect(read(`${succeeded} `, signed(succeeded))).toMatchObject(unauthorized);
    expect(read(succeeded.replace('300000', '300001'), signed(succeeded))).toMatchObject(unauthorized);
  });

  test.each(['', 't=', 'v1=00', `t=${nowSeconds}`, 'rubbish', `t=${nowSeconds},v1=`])('not the header %j', (header) => {
    expect(read(succeeded, header)).toMatchObject(unauthorized);
  });

  test('not an empty body', () => {
    expect(read('', signed(succeeded))).toMatchObject(unauthorized);
  });

  test('not a header with two times', () => {
    expect(read(succeeded, `t=1,${signed(succeeded)}`)).toMatchObject(unauthorized);
  });
});

describe('how old and how new it may be', () => {
  test.each([
    [-300, true],
    [-301, false],
    [60, true],
    [61, false],
  ])('%i s from now: %s', (offsetSeconds, isAccepted) => {
    const signature = signed(succeeded, { timestamp: nowSeconds + offsetSeconds });
    expect(read(succeeded, signature).ok).toBe(isAccepted);
  });
});

describe('signed, yet not for us', () => {
  test('a live event on a test key, and the reverse', () => {
    const live = bodyOf('payment_intent.succeeded', { livemode: true });
    expect(read(live, signed(live))).toMatchObject(unreadable);
    const withLiveKey = { webhookSecrets: [secret], livemode: true };
    expect(read(succeeded, signed(succeeded), withLiveKey)).toMatchObject(unreadable);
    expect(read(live, signed(live), withLiveKey)).toMatchObject({ ok: true });
  });

  test.each(['not json', 'null', '[]', '{}', '{"object":"event"}'])('%j is not an event', (body) => {
    expect(read(body, signed(body))).toMatchObject(unreadable);
  });
});
