/**
 * What the sagas' events mean in tables: the operators' view, payments and refunds (projection-money.ts), tickets, dead
 * letters, the outbox. Statements for the transaction that appends the events; one a table, however many events.
 */
import type { DomainEvent } from '../../engine/events.ts';
import { statusOf, stepAfter, stuckAfterAttempts } from '../../engine/saga.ts';
import type { SagaEvent, Step } from '../../engine/saga-events.ts';
import type { Topic } from '../../engine/topics.ts';
import { each, moment, type Of, type Statement, statementOf, typed, uuid } from './projection-columns.ts';
import { projectMoney } from './projection-money.ts';

export function projectSagas(events: readonly SagaEvent[]): readonly Statement[] {
  return [
    ...upsertSagas(events),
    ...projectMoney(events),
    ...insertTickets(typed(events, 'tickets-issued')),
    ...voidTickets(typed(events, 'refund-requested').filter((event) => event.ends)),
    ...insertDeadLetters(events.map(deadLetter).filter((letter) => letter !== null)),
    ...tell('payment-events', events.map(paymentEvent)),
    ...tell('saga-commands', events.map(sagaCommand)),
  ];
}

function upsertSagas(events: readonly SagaEvent[]): readonly Statement[] {
  // The last event of a saga in this transaction says where it stands; a row is written once in a statement.
  const last = [...new Map(events.map((event) => [event.bookingId, event])).values()];
  const failed = (event: SagaEvent) => (event.type === 'step-failed' ? event : null);
  const text = `
    with moved as (
      select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::text[], $7::timestamptz[], $8::timestamptz[])
        as m(event_id, booking_id, status, step, attempts, error, wake_at, updated_at)
    ), resolved as (
      update dead_letters d set resolved_at = m.updated_at from moved m
      where d.key = m.booking_id::text and d.resolved_at is null and d.topic = 'saga-commands' and m.attempts = 0
    )
    insert into saga_instances (event_id, booking_id, status, step, attempts, error, wake_at, updated_at)
    select * from moved
    on conflict (event_id, booking_id) do update
    set status = excluded.status, step = excluded.step, attempts = excluded.attempts, error = excluded.error,
        wake_at = excluded.wake_at, updated_at = excluded.updated_at`;
  return statementOf({ name: 'upsert_sagas', text }, last, [
    uuid((event) => event.eventId),
    uuid((event) => event.bookingId),
    each((event) => statusOf(stepAfter(event))),
    each((event) => stepAfter(event)),
    each((event) => failed(event)?.attempt ?? 0),
    each((event) => failed(event)?.error ?? null),
    each((event) => (event.type === 'step-failed' ? new Date(event.retryAtMs).toISOString() : null)),
    moment((event) => event.atMs),
  ]);
}

function insertTickets(events: readonly Of<'tickets-issued'>[]): readonly Statement[] {
  const tickets = events.flatMap((event) => event.codes.map((code, index) => ({ event, code, number: index + 1 })));
  const text = `
    insert into tickets (event_id, code, booking_id, zone_id, user_id, number, issued_at)
    select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::int[], $7::timestamptz[])`;
  return statementOf({ name: 'insert_tickets', text }, tickets, [
    uuid(({ event }) => event.eventId),
    each(({ code }) => code),
    uuid(({ event }) => event.bookingId),
    uuid(({ event }) => event.zoneId),
    uuid(({ event }) => event.userId),
    each(({ number }) => number),
    moment(({ event }) => event.atMs),
  ]);
}

function voidTickets(events: readonly Of<'refund-requested'>[]): readonly Statement[] {
  const text = `
    update tickets t set voided_at = v.at
    from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as v(event_id, booking_id, at)
    where t.event_id = v.event_id and t.booking_id = v.booking_id`;
  return statementOf({ name: 'void_tickets', text }, events, [
    uuid((event) => event.eventId),
    uuid((event) => event.bookingId),
    moment((event) => event.atMs),
  ]);
}

interface DeadLetter {
  readonly event: SagaEvent;
  readonly step: Step;
  readonly error: string;
  readonly attempts: number;
}

/** What was given up, and what goes on being tried but has failed more often than is normal: once a step. */
function deadLetter(event: SagaEvent): DeadLetter | null {
  if (event.type === 'step-skipped')
    return { event, step: event.step, error: event.error, attempts: stuckAfterAttempts };
  if (event.type !== 'step-failed' || event.attempt !== stuckAfterAttempts) return null;
  return { event, step: event.step, error: event.error, attempts: event.attempt };
}

function insertDeadLetters(letters: readonly DeadLetter[]): readonly Statement[] {
  const text = `
    insert into dead_letters (id, topic, key, consumer, event, error, attempts, created_at)
    select gen_random_uuid(), 'saga-commands', d.key, 'booking-saga', d.event, d.error, d.attempts, d.at
    from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::timestamptz[]) as d(key, event, error, attempts, at)`;
  return statementOf({ name: 'insert_dead_letters', text }, letters, [
    each(({ event }) => event.bookingId),
    each(({ step }) => JSON.stringify({ step })),
    each(({ error }) => error),
    each(({ attempts }) => attempts),
    moment(({ event }) => event.atMs),
  ]);
}

/** What other services may follow of a saga. What a provider reports is told by the webhook inbox. */
function tell(topic: Topic, events: readonly (DomainEvent | null)[]): readonly Statement[] {
  const told = events.filter((event) => event !== null);
  if (told.length === 0) return [];
  const types = [...new Set(told.map(({ type }) => type))];
  const text = 'insert into outbox (topic, types, events) values ($1, $2, $3)';
  return [{ name: 'tell', text, values: [topic, types, JSON.stringify(told)] }];
}

const timeOf = ({ atMs }: SagaEvent) => new Date(atMs).toISOString();
const envelopeOf = (event: SagaEvent) => ({ source: 'onsale', subject: event.bookingId, time: timeOf(event) }) as const;

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
    case 'money-returned': {
      const { eventId, paymentId, amountMinor, reason, refund } = event;
      const data = { event_id: eventId, payment_id: paymentId, amount: amountMinor, reason };
      return { ...envelope, id: `payment.refunded:${paymentId}:${refund}`, type: 'payment.refunded', data };
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
