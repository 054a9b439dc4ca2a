/** What the sagas' events mean for payments, their attempts and refunds. */
import type pg from 'pg';
import type { SagaEvent } from '../../engine/saga-events.ts';
import { at, type Of, typed, write } from './projection-columns.ts';

/** Statements in an order in which every row is there before it is changed. */
export async function projectMoney(client: pg.ClientBase, events: readonly SagaEvent[]): Promise<void> {
  await insertPayments(client, typed(events, 'intent-opened'));
  await insertAttempts(client, typed(events, 'payment-failed'));
  await changePayments(client, events);
  await insertRefunds(client, typed(events, 'refund-settled'));
  await insertRequested(client, typed(events, 'refund-requested'));
  await settleRefunds(client, typed(events, 'money-returned'));
}

async function insertPayments(client: pg.ClientBase, events: readonly Of<'intent-opened'>[]): Promise<void> {
  const text = `
    insert into payments (event_id, id, booking_id, user_id, provider, amount_minor, currency, status, intent_id, client_secret, redirect_url, return_url, created_at)
    select p.event_id, p.id, p.booking_id, p.user_id, p.provider, p.amount, p.currency, 'pending', p.intent_id, p.secret, p.redirect, p.return, p.at
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[])
      as p(event_id, id, booking_id, user_id, provider, amount, currency, intent_id, secret, redirect, return, at)`;
  await write(client, { name: 'insert_payments', text }, events, [
    (event) => event.eventId,
    (event) => event.paymentId,
    (event) => event.bookingId,
    (event) => event.userId,
    (event) => event.provider,
    (event) => event.amountMinor,
    (event) => event.currency,
    (event) => event.intentId,
    (event) => event.clientSecret ?? null,
    (event) => event.redirectUrl ?? null,
    (event) => event.returnUrl ?? null,
    at,
  ]);
}

async function insertAttempts(client: pg.ClientBase, events: readonly Of<'payment-failed'>[]): Promise<void> {
  const text = `
    insert into payment_attempts (event_id, payment_id, attempt, decline_code, failed_at)
    select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::timestamptz[])`;
  await write(client, { name: 'insert_attempts', text }, events, [
    (event) => event.eventId,
    (event) => event.paymentId,
    (event) => event.failure,
    (event) => event.declineCode,
    at,
  ]);
}

interface PaymentChange {
  readonly event: SagaEvent;
  readonly paymentId: string;
  readonly status: 'succeeded' | 'cancelled' | 'refunding' | 'refunded';
}

/** Null for events that leave the payment as it is; a partial refund does. */
function paymentChange(event: SagaEvent): PaymentChange | null {
  switch (event.type) {
    case 'payment-succeeded':
      return { event, paymentId: event.paymentId, status: 'succeeded' };
    case 'intent-voided':
      return { event, paymentId: event.paymentId, status: 'cancelled' };
    case 'refund-settled':
      return { event, paymentId: event.paymentId, status: 'refunded' };
    case 'refund-requested':
    case 'money-returned': {
      const { paymentId, ends, amountMinor } = event;
      if (!paymentId || !ends || amountMinor === 0) return null;
      return { event, paymentId, status: event.type === 'money-returned' ? 'refunded' : 'refunding' };
    }
    default:
      return null;
  }
}

async function changePayments(client: pg.ClientBase, events: readonly SagaEvent[]): Promise<void> {
  const changes = events.map(paymentChange).filter((change) => change !== null);
  // A row is changed once in a statement: the last change of a payment says what it is.
  const last = [...new Map(changes.map((change) => [change.paymentId, change])).values()];
  const text = `
    update payments p set status = c.status, changed_at = c.at
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) as c(event_id, id, status, at)
    where p.event_id = c.event_id and p.id = c.id`;
  await write(client, { name: 'change_payments', text }, last, [
    ({ event }) => event.eventId,
    ({ paymentId }) => paymentId,
    ({ status }) => status,
    ({ event }) => at(event),
  ]);
}

/** Money that came too late and went back at once. */
async function insertRefunds(client: pg.ClientBase, events: readonly Of<'refund-settled'>[]): Promise<void> {
  const text = `
    insert into refunds (event_id, id, payment_id, booking_id, amount_minor, reason, provider_refund_id, created_at, settled_at)
    select r.event_id, gen_random_uuid(), r.payment_id, r.booking_id, r.amount, r.reason, r.refund_id, r.at, r.at
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[])
      as r(event_id, payment_id, booking_id, amount, reason, refund_id, at)`;
  await write(client, { name: 'insert_refunds', text }, events, [
    (event) => event.eventId,
    (event) => event.paymentId,
    (event) => event.bookingId,
    (event) => event.amountMinor,
    (event) => event.reason,
    (event) => event.refundId,
    at,
  ]);
}

/** Written when it is decided. What gives nothing back is settled with that. */
async function insertRequested(client: pg.ClientBase, events: readonly Of<'refund-requested'>[]): Promise<void> {
  const paid = events.filter((event) => event.paymentId !== null);
  const text = `
    insert into refunds (event_id, id, payment_id, booking_id, number, amount_minor, withheld_minor, reason, created_at, settled_at)
    select r.event_id, gen_random_uuid(), r.payment_id, r.booking_id, r.number, r.amount, r.withheld, r.reason, r.at,
           case when r.amount = 0 then r.at end
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::bigint[], $6::bigint[], $7::text[], $8::timestamptz[])
      as r(event_id, payment_id, booking_id, number, amount, withheld, reason, at)`;
  await write(client, { name: 'insert_requested_refunds', text }, paid, [
    (event) => event.eventId,
    (event) => event.paymentId,
    (event) => event.bookingId,
    (event) => event.refund,
    (event) => event.amountMinor,
    (event) => event.withheldMinor,
    (event) => event.reason,
    at,
  ]);
}

async function settleRefunds(client: pg.ClientBase, events: readonly Of<'money-returned'>[]): Promise<void> {
  const text = `
    update refunds r set settled_at = s.at, provider_refund_id = s.refund_id
    from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::timestamptz[]) as s(event_id, payment_id, number, refund_id, at)
    where r.event_id = s.event_id and r.payment_id = s.payment_id and r.number = s.number`;
  await write(client, { name: 'settle_refunds', text }, events, [
    (event) => event.eventId,
    (event) => event.paymentId,
    (event) => event.refund,
    (event) => event.refundId,
    at,
  ]);
}
