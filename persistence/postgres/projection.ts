/**
 * What the sagas' events mean in tables: the operators' view, payments and refunds (projection-money.ts), tickets, dead
 * letters, the outbox. Statements for the transaction that appends the events; one a table, however many events.
 */
import type { DomainEvent } from '../../engine/events.ts';
import { stuckStep } from '../../engine/operator.ts';
import { statusOf, stepAfter, stuckAfterAttempts } from '../../engine/saga.ts';
import type { SagaEvent, Step } from '../../engine/saga-events.ts';
import type { Topic } from '../../engine/topics.ts';
import { ofTrace } from '../../engine/trace-context.ts';
import { int, moment, type Of, type Statement, statementOf, string, typed, uuid } from './projection-columns.ts';
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
      where d.key = m.booking_id::text and d.resolved_at is null and d.topic = '${stuckStep.topic}'
        and d.consumer = '${stuckStep.consumer}' and m.attempts = 0
    )
    insert into saga_instances (event_id, booking_id, status, step, attempts, error, wake_at, updated_at)
    select * from moved
    on conflict (event_id, booking_id) do update
    set status = excluded.status, step = excluded.step, attempts = excluded.attempts, error = excluded.error,
        wake_at = excluded.wake_at, updated_at = excluded.updated_at`;
  return statementOf({ name: 'upsert_sagas', text }, last, [
    uuid((event) => event.eventId),
    uuid((event) => event.bookingId),
    string((event) => statusOf(stepAfter(event))),
    string((event) => stepAfter(event)),
    int((event) => failed(event)?.attempt ?? 0),
    string((event) => failed(event)?.error ?? null),
    moment((event) => (event.type === 'step-failed' ? event.retryAtMs : null)),
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
    string(({ code }) => code),
    uuid(({ event }) => event.bookingId),
    uuid(({ event }) => event.zoneId),
    uuid(({ event }) => event.userId),
    int(({ number }) => number),
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
    select gen_random_uuid(), '${stuckStep.topic}', d.key, '${stuckStep.consumer}', d.event, d.error, d.attempts, d.at
    from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::timestamptz[]) as d(key, event, error, attempts, at)`;
  return statementOf({ name: 'insert_dead_letters', text }, letters, [
    string(({ event }) => event.bookingId),
    string(({ step }) => JSON.stringify({ step })),
    string(({ error }) => error),
    int(({ attempts }) => attempts),
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

/** An event of the outside about the booking; `id` follows from what happened. */
function tellOf(event: SagaEvent, type: string, named: string, data: DomainEvent['data']): DomainEvent {
  const { bookingId: subject, eventId: event_id } = event;
  const envelope = { id: `${type}:${named}`, type, source: 'onsale', subject, time: timeOf(event) } as const;
  return { ...envelope, data: { event_id, ...data }, ...ofTrace(event.traceparent) };
}

function paymentEvent(event: SagaEvent): DomainEvent | null {
  switch (event.type) {
    case 'intent-opened': {
      const { paymentId, amountMinor: amount, currency } = event;
      return tellOf(event, 'payment.created', paymentId, { payment_id: paymentId, amount, currency });
    }
    case 'refund-settled': {
      const { paymentId, amountMinor: amount, reason } = event;
      return tellOf(event, 'payment.refunded', paymentId, { payment_id: paymentId, amount, reason });
    }
    case 'money-returned': {
      const { paymentId, amountMinor: amount, reason, refund } = event;
      return tellOf(event, 'payment.refunded', `${paymentId}:${refund}`, { payment_id: paymentId, amount, reason });
    }
    default:
      return null;
  }
}

/** The saga does these steps itself; who only follows the log sees them begin. */
function sagaCommand(event: SagaEvent): DomainEvent | null {
  switch (event.type) {
    case 'payment-succeeded': {
      const { paymentId, amountMinor: amount, asExpected } = event;
      // Of another amount than the booking's, it is returned.
      return asExpected ? tellOf(event, 'saga.booking.confirm', paymentId, { payment_id: paymentId, amount }) : null;
    }
    case 'tickets-issued': {
      const { bookingId, userId: user_id, codes } = event;
      return tellOf(event, 'saga.notification.send', bookingId, { user_id, tickets: codes.length });
    }
    default:
      return null;
  }
}
