/**
 * What the sagas' events mean in tables: payments, attempts, refunds, tickets, the operators' view, the outbox. Runs
 * inside the transaction that appends the events; one statement a table, however many events.
 */
import type pg from 'pg';
import type { DomainEvent } from '../../engine/events.ts';
import { type SagaEvent, statusOf, stepAfter } from '../../engine/saga.ts';
import type { Topic } from '../../engine/topics.ts';

type Of<T extends SagaEvent['type']> = Extract<SagaEvent, { type: T }>;

export async function projectSagas(client: pg.ClientBase, events: readonly SagaEvent[]): Promise<void> {
  const of = <T extends SagaEvent['type']>(type: T) => events.filter((event): event is Of<T> => event.type === type);
  await upsertSagas(client, events);
  await insertPayments(client, of('intent-opened'));
  await insertAttempts(client, of('payment-failed'));
  await settlePayments(client, of('payment-succeeded'));
  await insertTickets(client, of('tickets-issued'));
  await insertRefunds(client, of('refund-settled'));
  await insertDeadLetters(client, of('step-skipped'));
  await tell(client, events);
}

/** Runs a statement whose parameters are columns: one array each, in the order of the readers. */
async function write<E>(
  client: pg.ClientBase,
  statement: { name: string; text: string },
  events: readonly E[],
  columns: ((event: E) => unknown)[],
) {
  if (events.length === 0) return;
  await client.query({ ...statement, values: columns.map((read) => events.map(read)) });
}

const at = (event: SagaEvent) => new Date(event.atMs).toISOString();

async function upsertSagas(client: pg.ClientBase, events: readonly SagaEvent[]): Promise<void> {
  // The last event of a saga in this transaction says where it stands; a row is written once in a statement.
  const last = [...new Map(events.map((event) => [event.bookingId, event])).values()];
  const failed = (event: SagaEvent) => (event.type === 'step-failed' ? event : null);
  const text = `
    insert into saga_instances (event_id, booking_id, status, step, attempts, error, wake_at, updated_at)
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::text[], $7::timestamptz[], $8::timestamptz[])
    on conflict (event_id, booking_id) do update
    set status = excluded.status, step = excluded.step, attempts = excluded.attempts, error = excluded.error,
        wake_at = excluded.wake_at, updated_at = excluded.updated_at`;
  await write(client, { name: 'upsert_sagas', text }, last, [
    (event) => event.eventId,
    (event) => event.bookingId,
    (event) => statusOf(stepAfter(event)),
    (event) => stepAfter(event),
    (event) => failed(event)?.attempt ?? 0,
    (event) => failed(event)?.error ?? null,
    (event) => (event.type === 'step-failed' ? new Date(event.retryAtMs).toISOString() : null),
    at,
  ]);
}

async function insertPayments(client: pg.ClientBase, events: readonly Of<'intent-opened'>[]): Promise<void> {
  const text = `
    insert into payments (event_id, id, booking_id, user_id, provider, amount_minor, currency, status, intent_id, client_secret, created_at)
    select p.event_id, p.id, p.booking_id, p.user_id, p.provider, p.amount, p.currency, 'pending', p.intent_id, p.secret, p.at
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::timestamptz[])
      as p(event_id, id, booking_id, user_id, provider, amount, currency, intent_id, secret, at)`;
  await write(client, { name: 'insert_payments', text }, events, [
    (event) => event.eventId,
    (event) => event.paymentId,
    (event) => event.bookingId,
    (event) => event.userId,
    (event) => event.provider,
    (event) => event.amountMinor,
    (event) => event.currency,
    (event) => event.intentId,
    (event) => event.clientSecret,
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

async function settlePayments(client: pg.ClientBase, events: readonly Of<'payment-succeeded'>[]): Promise<void> {
  const text = `
    update payments p set status = 'succeeded', changed_at = s.at
    from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as s(event_id, id, at)
    where p.event_id = s.event_id and p.id = s.id`;
  await write(client, { name: 'settle_payments', text }, events, [
    (event) => event.eventId,
    (event) => event.paymentId,
    at,
  ]);
}

async function insertTickets(client: pg.ClientBase, events: readonly Of<'tickets-issued'>[]): Promise<void> {
  const tickets = events.flatMap((event) => event.codes.map((code, index) => ({ event, code, number: index + 1 })));
  const text = `
    insert into tickets (event_id, code, booking_id, zone_id, user_id, number, issued_at)
    select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::int[], $7::timestamptz[])`;
  await write(client, { name: 'insert_tickets', text }, tickets, [
    ({ event }) => event.eventId,
    ({ code }) => code,
    ({ event }) => event.bookingId,
    ({ event }) => event.zoneId,
    ({ event }) => event.userId,
    ({ number }) => number,
    ({ event }) => at(event),
  ]);
}

async function insertRefunds(client: pg.ClientBase, events: readonly Of<'refund-settled'>[]): Promise<void> {
  const text = `
    with refunded as (
      update payments p set status = 'refunded', changed_at = r.at
      from unnest($1::uuid[], $2::uuid[], $7::timestamptz[]) as r(event_id, payment_id, at)
      where p.event_id = r.event_id and p.id = r.payment_id
    )
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

async function insertDeadLetters(client: pg.ClientBase, events: readonly Of<'step-skipped'>[]): Promise<void> {
  const text = `
    insert into dead_letters (id, topic, key, consumer, event, error, attempts, created_at)
    select gen_random_uuid(), 'saga-commands', d.key, 'booking-saga', d.event, d.error, 4, d.at
    from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) as d(key, event, error, at)`;
  await write(client, { name: 'insert_dead_letters', text }, events, [
    (event) => event.bookingId,
    (event) => JSON.stringify({ step: event.step }),
    (event) => event.error,
    at,
  ]);
}

/** What other services may follow of a saga. What a provider reports is told by the webhook inbox. */
async function tell(client: pg.ClientBase, events: readonly SagaEvent[]): Promise<void> {
  await tellTopic(client, 'payment-events', events.map(paymentEvent));
  await tellTopic(client, 'saga-commands', events.map(sagaCommand));
}

async function tellTopic(client: pg.ClientBase, topic: Topic, events: readonly (DomainEvent | null)[]): Promise<void> {
  const told = events.filter((event) => event !== null);
  if (told.length === 0) return;
  const text = 'insert into outbox (topic, events) values ($1, $2)';
  await client.query({ name: 'tell', text, values: [topic, JSON.stringify(told)] });
}

const envelopeOf = (event: SagaEvent) => ({ source: 'onsale', subject: event.bookingId, time: at(event) }) as const;

function paymentEvent(event: SagaEvent): DomainEvent | null {
  const envelope = envelopeOf(event);
  switch (event.type) {
    case 'intent-opened': {
      const data = {
        event_id: event.eventId,
        payment_id: event.paymentId,
        amount: event.amountMinor,
        currency: event.currency,
      };
      return { ...envelope, id: `payment.created:${event.paymentId}`, type: 'payment.created', data };
    }
    case 'refund-settled': {
      const data = {
        event_id: event.eventId,
        payment_id: event.paymentId,
        amount: event.amountMinor,
        reason: event.reason,
      };
      return { ...envelope, id: `payment.refunded:${event.paymentId}`, type: 'payment.refunded', data };
    }
    default:
      return null;
  }
}

/** The saga does these steps itself; who only follows the log sees them begin. */
function sagaCommand(event: SagaEvent): DomainEvent | null {
  const envelope = envelopeOf(event);
  const { bookingId, eventId } = event;
  switch (event.type) {
    case 'payment-succeeded': {
      // Of another amount than the booking's, it is returned.
      if (!event.asExpected) return null;
      const data = { event_id: eventId, payment_id: event.paymentId, amount: event.amountMinor };
      return { ...envelope, id: `saga.booking.confirm:${event.paymentId}`, type: 'saga.booking.confirm', data };
    }
    case 'tickets-issued': {
      const data = { event_id: eventId, user_id: event.userId, tickets: event.codes.length };
      return { ...envelope, id: `saga.notification.send:${bookingId}`, type: 'saga.notification.send', data };
    }
    default:
      return null;
  }
}
