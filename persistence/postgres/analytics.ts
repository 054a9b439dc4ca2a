/**
 * Analytics as a consumer of the event log: counts by event and hour, in one statement together with the note that these
 * events were counted, so that none counts twice and none is forgotten. New bookings are not counted here: their rows say
 * when they were made (the view bookings_hourly), and a note a reservation would cost what the reservation costs.
 */
import type pg from 'pg';
import type { EventConsumer } from '../../engine/event-log.ts';
import type { DomainEvent } from '../../engine/events.ts';
import { accept } from '../../engine/outcome.ts';
import type { Topic } from '../../engine/topics.ts';
import { texts } from './binary-arrays.ts';
import { unusable } from './unusable.ts';

/** One statement a portion: a zone's batch at once, and no statement is long. */
const eventsMax = 500;

/**
 * The money of a booking is looked up where it stands: the events of its later life do not repeat it. Lateral, so that each
 * costs one look into its index.
 */
const countSql = `
  with fresh as (
    insert into inbox (consumer, event_id) select 'analytics', id from unnest($1::text[]) as given(id)
    on conflict do nothing returning event_id as id
  ), e as (
    select type, event_id::uuid, booking_id::uuid, at::timestamptz, currency, returned::bigint
    from fresh join unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
      as given(id, type, event_id, booking_id, at, currency, returned) using (id)
  )
  insert into analytics_hourly as h (event_id, hour, currency, confirmed, cancelled, expired, refunded,
                                     revenue_minor, returned_minor)
  select e.event_id, date_trunc('hour', e.at, 'UTC'), coalesce(e.currency, b.currency),
         count(*) filter (where e.type = 'booking.confirmed'),
         count(*) filter (where e.type = 'booking.cancelled'), count(*) filter (where e.type = 'booking.expired'),
         count(*) filter (where e.type = 'booking.refunded'),
         coalesce(sum(b.amount_minor) filter (where e.type = 'booking.confirmed'), 0), coalesce(sum(e.returned), 0)
  from e left join lateral (
    select currency, amount_minor from bookings
    where e.currency is null and event_id = e.event_id and id = e.booking_id offset 0
  ) b on true
  group by 1, 2, 3
  on conflict (event_id, hour, currency) do update
  set confirmed = h.confirmed + excluded.confirmed,
      cancelled = h.cancelled + excluded.cancelled, expired = h.expired + excluded.expired,
      refunded = h.refunded + excluded.refunded, revenue_minor = h.revenue_minor + excluded.revenue_minor,
      returned_minor = h.returned_minor + excluded.returned_minor`;

export function createAnalytics(pool: pg.Pool): readonly EventConsumer[] {
  const count = async (events: readonly DomainEvent[]) => {
    // One statement cannot insert an id twice and count it once.
    const once = [...new Map(events.map((event) => [event.id, event])).values()];
    const values = [
      texts(once.map(({ id }) => id)),
      texts(once.map(({ type }) => type)),
      texts(once.map(({ data }) => String(data.event_id))),
      texts(once.map(({ subject }) => subject)),
      texts(once.map(({ time }) => time)),
      texts(once.map(({ data }) => (typeof data.currency === 'string' ? data.currency : null))),
      texts(once.map(({ type, data }) => String(type === 'payment.refunded' ? data.amount : 0))),
    ];
    try {
      await pool.query({ name: 'count_events', text: countSql, values });
      return accept(null);
    } catch (error) {
      return unusable(error);
    }
  };
  const consumer = (topic: Topic, types: readonly string[]) => ({
    name: 'analytics',
    topic,
    types: new Set(types),
    eventsMax,
    handle: count,
  });
  return [
    consumer(
      'booking-events',
      ['confirmed', 'cancelled', 'expired', 'refunded'].map((end) => `booking.${end}`),
    ),
    consumer('payment-events', ['payment.refunded']),
  ];
}
