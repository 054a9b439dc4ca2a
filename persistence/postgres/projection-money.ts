/** What the sagas' events mean for payments, their attempts and refunds. */
import type { SagaEvent } from '../../engine/saga-events.ts';
import {
  bigint,
  int,
  moment,
  type Of,
  type Statement,
  statementOf,
  string,
  typed,
  uuid,
} from './projection-columns.ts';

/** Statements in an order in which every row is there before it is changed. */
export function projectMoney(events: readonly SagaEvent[]): readonly Statement[] {
  return [
    ...insertPayments(typed(events, 'intent-opened')),
    ...insertAttempts(typed(events, 'payment-failed')),
    ...changePayments(events),
    ...insertRefunds(typed(events, 'refund-settled')),
    ...insertRequested(typed(events, 'refund-requested')),
    ...settleRefunds(typed(events, 'money-returned')),
  ];
}

function insertPayments(events: readonly Of<'intent-opened'>[]): readonly Statement[] {
  const text = `
    insert into payments (event_id, id, booking_id, user_id, provider, amount_minor, currency, status, intent_id, client_secret, redirect_url, return_url, created_at)
    select p.event_id, p.id, p.booking_id, p.user_id, p.provider, p.amount, p.currency, 'pending', p.intent_id, p.secret, p.redirect, p.return, p.at
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[])
      as p(event_id, id, booking_id, user_id, provider, amount, currency, intent_id, secret, redirect, return, at)`;
  return statementOf({ name: 'insert_payments', text }, events, [
    uuid((event) => event.eventId),
    uuid((event) => event.paymentId),
    uuid((event) => event.bookingId),
    uuid((event) => event.userId),
    string((event) => event.provider),
    bigint((event) => event.amountMinor),
    string((event) => event.currency),
    string((event) => event.intentId),
    string((event) => event.clientSecret ?? null),
    string((event) => event.redirectUrl ?? null),
    string((event) => event.returnUrl ?? null),
    moment((event) => event.atMs),
  ]);
}

function insertAttempts(events: readonly Of<'payment-failed'>[]): readonly Statement[] {
  const text = `
    insert into payment_attempts (event_id, payment_id, attempt, decline_code, failed_at)
    select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::timestamptz[])`;
  return statementOf({ name: 'insert_attempts', text }, events, [
    uuid((event) => event.eventId),
    uuid((event) => event.paymentId),
    int((event) => event.failure),
    string((event) => event.declineCode),
    moment((event) => event.atMs),
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

function changePayments(events: readonly SagaEvent[]): readonly Statement[] {
  const changes = events.map(paymentChange).filter((change) => change !== null);
  // A row is changed once in a statement: the last change of a payment says what it is.
  const last = [...new Map(changes.map((change) => [change.paymentId, change])).values()];
  // Each is looked up by its key and changed where it was found (why: zone-ledger.ts).
  const text = `
    update payments p set status = c.status, changed_at = c.at
    from (
      select found.place, c.*
      from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) as c(event_id, id, status, at),
           lateral (select ctid as place from payments where event_id = c.event_id and id = c.id offset 0) found
    ) c
    where p.ctid = c.place`;
  return statementOf({ name: 'change_payments', text }, last, [
    uuid(({ event }) => event.eventId),
    uuid(({ paymentId }) => paymentId),
    string(({ status }) => status),
    moment(({ event }) => event.atMs),
  ]);
}

/** Money that came too late and went back at once. */
function insertRefunds(events: readonly Of<'refund-settled'>[]): readonly Statement[] {
  const text = `
    insert into refunds (event_id, id, payment_id, booking_id, amount_minor, reason, provider_refund_id, created_at, settled_at)
    select r.event_id, gen_random_uuid(), r.payment_id, r.booking_id, r.amount, r.reason, r.refund_id, r.at, r.at
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[])
      as r(event_id, payment_id, booking_id, amount, reason, refund_id, at)`;
  return statementOf({ name: 'insert_refunds', text }, events, [
    uuid((event) => event.eventId),
    uuid((event) => event.paymentId),
    uuid((event) => event.bookingId),
    bigint((event) => event.amountMinor),
    string((event) => event.reason),
    string((event) => event.refundId),
    moment((event) => event.atMs),
  ]);
}

/** Written when it is decided. What gives nothing back is settled with that. */
function insertRequested(events: readonly Of<'refund-requested'>[]): readonly Statement[] {
  const paid = events.filter(hasPayment);
  const text = `
    insert into refunds (event_id, id, payment_id, booking_id, number, amount_minor, withheld_minor, reason, created_at, settled_at)
    select r.event_id, gen_random_uuid(), r.payment_id, r.booking_id, r.number, r.amount, r.withheld, r.reason, r.at,
           case when r.amount = 0 then r.at end
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::bigint[], $6::bigint[], $7::text[], $8::timestamptz[])
      as r(event_id, payment_id, booking_id, number, amount, withheld, reason, at)`;
  return statementOf({ name: 'insert_requested_refunds', text }, paid, [
    uuid((event) => event.eventId),
    uuid((event) => event.paymentId),
    uuid((event) => event.bookingId),
    int((event) => event.refund),
    bigint((event) => event.amountMinor),
    bigint((event) => event.withheldMinor),
    string((event) => event.reason),
    moment((event) => event.atMs),
  ]);
}

type WithPayment<E> = E & { readonly paymentId: string };

function hasPayment<E extends { readonly paymentId: string | null }>(event: E): event is WithPayment<E> {
  return event.paymentId !== null;
}

function settleRefunds(events: readonly Of<'money-returned'>[]): readonly Statement[] {
  const text = `
    update refunds r set settled_at = s.at, provider_refund_id = s.refund_id
    from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::timestamptz[]) as s(event_id, payment_id, number, refund_id, at)
    where r.event_id = s.event_id and r.payment_id = s.payment_id and r.number = s.number`;
  return statementOf({ name: 'settle_refunds', text }, events.filter(hasPayment), [
    uuid((event) => event.eventId),
    uuid((event) => event.paymentId),
    int((event) => event.refund),
    string((event) => event.refundId),
    moment((event) => event.atMs),
  ]);
}
