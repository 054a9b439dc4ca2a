/**
 * The notifier as a consumer of the event log: what a buyer must be told becomes a pending notification. A booking has one
 * of a kind, so that an event that comes again finds it there. Sending them is somebody else's work.
 */
import type pg from 'pg';
import type { EventConsumer } from '../../engine/event-log.ts';
import type { DomainEvent } from '../../engine/events.ts';
import { type NotifyingType, notificationOf } from '../../engine/notifications.ts';
import { accept } from '../../engine/outcome.ts';
import type { Topic } from '../../engine/topics.ts';
import { texts } from './binary-arrays.ts';
import { unusable } from './unusable.ts';

const eventsMax = 500;

/** Where the event does not say whose booking it is, the booking does: lateral, so that each costs one look into its index. */
const noteSql = `
  insert into notifications (event_id, booking_id, kind, user_id)
  select e.event_id, e.booking_id, e.kind, coalesce(e.user_id, b.user_id)
  from (
    select kind, event_id::uuid, booking_id::uuid, user_id::uuid
    from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as given(kind, event_id, booking_id, user_id)
  ) e left join lateral (
    select user_id from bookings where e.user_id is null and event_id = e.event_id and id = e.booking_id offset 0
  ) b on true
  where coalesce(e.user_id, b.user_id) is not null
  on conflict do nothing`;

export function createNotifier(pool: pg.Pool): readonly EventConsumer[] {
  const note = async (events: readonly DomainEvent[]) => {
    const values = [
      texts(events.map(({ type }) => notificationOf[type] ?? null)),
      texts(events.map(({ data }) => String(data.event_id))),
      texts(events.map(({ subject }) => subject)),
      texts(events.map(({ data }) => (data.user_id === undefined ? null : String(data.user_id)))),
    ];
    try {
      await pool.query({ name: 'note_notifications', text: noteSql, values });
      return accept(null);
    } catch (error) {
      return unusable(error);
    }
  };
  const consumer = (topic: Topic, types: readonly NotifyingType[]) => ({
    name: 'notifier',
    topic,
    types: new Set<string>(types),
    eventsMax,
    handle: note,
  });
  return [
    consumer('saga-commands', ['saga.notification.send']),
    consumer('booking-events', ['booking.expired', 'booking.refunded']),
  ];
}
