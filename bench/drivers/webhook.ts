/**
 * Driver of the provider's webhooks: each tells of one payment that was really made, signed when it leaves, as Stripe
 * does. The id of the event says when it was due, so that the way from there to the ticket can be measured in the rows.
 */
import { createHmac } from 'node:crypto';
import type { Fixture } from '../../cli/seed.ts';
import type { AckedBooking } from '../../engine/audit.ts';
import type { Driver } from './driver.ts';

/** A booking whose card was charged, and which has not been told of that. */
export interface Paid {
  readonly bookingId: string;
  readonly userId: string;
  readonly zoneId: string;
  readonly key: string;
  readonly intentId: string;
  /** Minor units. */
  readonly amount: number;
  /** ISO 4217, lower case. */
  readonly currency: string;
}

export interface PaidFixture extends Fixture {
  readonly webhook_secret: string;
  readonly paid: readonly Paid[];
}

const path = '/api/v1/webhooks/stripe';

export function openWebhookDriver(fixture: Fixture, runId: string): Driver {
  if (!isPaid(fixture)) throw new TypeError('there is nothing paid in the fixture');
  const { webhook_secret: secret, paid, event_id: eventId } = fixture;
  const paidOf = (n: number) => paid[n % paid.length] as Paid;
  return {
    request(n, dueAtMs) {
      const body = JSON.stringify(noticeOf(paidOf(n), { id: noticeId(runId, n, dueAtMs), eventId }));
      const time = Math.floor(Date.now() / 1_000);
      const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
      const headers = { 'Content-Type': 'application/json', 'Stripe-Signature': `t=${time},v1=${signature}` };
      return { method: 'POST', path, headers, body };
    },
    judge: ({ status }) => (status === 200 ? 'accepted' : 'failed'),
    acked(n): AckedBooking {
      const { bookingId, userId, zoneId, key } = paidOf(n);
      return { bookingId, userId, eventId, zoneId, quantity: 1, status: 'confirmed', key };
    },
  };
}

function isPaid(fixture: Fixture): fixture is PaidFixture {
  return 'paid' in fixture && 'webhook_secret' in fixture;
}

/** The event as Stripe sends it, without the parts of the intent that nobody of ours reads. */
function noticeOf(paid: Paid, { id, eventId }: { readonly id: string; readonly eventId: string }): object {
  const { intentId, amount, currency, bookingId } = paid;
  return {
    id,
    object: 'event',
    api_version: '2025-09-30.clover',
    created: Math.floor(Date.now() / 1_000),
    data: {
      object: {
        id: intentId,
        object: 'payment_intent',
        ...{ amount, amount_capturable: 0, amount_received: amount, currency },
        last_payment_error: null,
        livemode: false,
        metadata: { booking_id: bookingId, event_id: eventId },
        payment_method_types: ['card'],
        status: 'succeeded',
      },
    },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type: 'payment_intent.succeeded',
  };
}

function noticeId(runId: string, n: number, dueAtMs: number): string {
  return `${noticePrefix(runId)}${n}-${dueAtMs.toFixed(0)}`;
}

/** How the event ids of a run begin. */
export function noticePrefix(runId: string): string {
  return `evt-${runId}-`;
}

/** What `noticeId` wrote: which of the paid bookings, and when the webhook was due (epoch ms). */
export function readNoticeId(id: string): { readonly n: number; readonly dueAtMs: number } {
  const [n, dueAtMs] = id.split('-').slice(-2).map(Number);
  if (n === undefined || dueAtMs === undefined) throw new TypeError(`${id} is none of a run`);
  return { n, dueAtMs };
}
