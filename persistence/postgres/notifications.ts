/**
 * The notifier as a consumer of the event log: what a buyer must be told becomes a pending notification, once, in one
 * statement with the note that the event was seen. Sending them is somebody else's work.
 */
import type pg from 'pg';
import type { EventConsumer } from '../../engine/event-log.ts';
import type { DomainEvent } from '../../engine/events.ts';
import { type NotifyingType, notificationOf } from '../../engine/notifications.ts';
import { accept } from '../../engine/outcome.ts';
import type { Topic } from '../../engine/topics.ts';
import { unusable } from './unusable.ts';

const eventsMax = 500;

/** Lateral, so that the notes meet their events by hash and each booking costs one look into its index. */
const noteSql = `
  with fresh as (
    insert into inbox (consumer, event_id) select 'notifier', id from unnest($1::text[]) as e(id)
    on conflict do nothing returning event_id as id
  )
  insert into notifications (event_id, booking_id, kind, user_id)
  select e.event_id, e.booking_id, e.kind, b.user_id
  from fresh join unnest($1::text[], $2::text[], $3::uuid[], $4::uuid[]) as e(id, kind, event_id, booking_id) using (id),
       lateral (select user_id from bookings where event_id = e.event_id and id = e.booking_id offset 0) b
  on conflict do nothing`;

export function createNotifier(pool: pg.Pool): readonly EventConsumer[] {
  const note = async (events: readonly DomainEvent[]) => {
    const values = [
      events.map(({ id }) => id),
      events.map(({ type }) => notificationOf[type]),
      events.map(({ data }) => data.event_id),
      events.map(({ subject }) => subject),
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
