/** What a committed batch tells the outside: the same envelopes whichever store takes it. */
import { bookingCreated, bookingMoved, type DomainEvent } from '../engine/events.ts';
import type { CommitBatch } from '../engine/ports.ts';
import type { ReserveCommand } from '../engine/zone.ts';

/** One event for each booking made, then one for each move that anybody outside needs to hear of, in their order. */
export function eventsOfBatch({ lease, terms, made, moved, nowMs }: CommitBatch): DomainEvent[] {
  const { eventId, zoneId } = lease;
  const time = new Date(nowMs).toISOString();
  const created = made.map(({ bookingId, userId, quantity, expiresAtMs, traceparent }) =>
    bookingCreated(
      {
        bookingId,
        eventId,
        zoneId,
        userId,
        quantity,
        amountMinor: quantity * terms.priceMinor,
        currency: terms.currency,
        expiresAt: new Date(expiresAtMs).toISOString(),
        traceparent,
      },
      time,
    ),
  );
  const changed = moved.map(({ bookingId, move, traceparent }) =>
    bookingMoved({ bookingId, eventId, zoneId, traceparent }, move, time),
  );
  return [...created, ...changed.filter((event) => event !== null)];
}

/**
 * The same as JSON. A batch may hold hundreds of reservations that differ in few words, so their texts are put together
 * directly; ids are UUIDs, times and currencies ours, and nothing in them needs escaping.
 */
export function eventsText(batch: CommitBatch): string {
  const { lease, terms, made, moved, nowMs } = batch;
  const head = `","time":"${new Date(nowMs).toISOString()}","data":{"event_id":"${lease.eventId}","zone_id":"${lease.zoneId}","user_id":"`;
  let like: ReserveCommand | undefined;
  let tail = '';
  let text = '';
  for (const command of made) {
    const { bookingId, userId, quantity, expiresAtMs, traceparent } = command;
    if (quantity !== like?.quantity || expiresAtMs !== like.expiresAtMs) {
      like = command;
      tail = `","quantity":${quantity},"amount":${quantity * terms.priceMinor},"currency":"${terms.currency}","expires_at":"${new Date(expiresAtMs).toISOString()}"}`;
    }
    text += `${text === '' ? '' : ','}{"id":"booking.created:${bookingId}","type":"booking.created","source":"onsale","subject":"${bookingId}${head}${userId}${tail}${traceparent === undefined ? '}' : `,"traceparent":"${traceparent}"}`}`;
  }
  if (moved.length === 0) return `[${text}]`;
  const changes = JSON.stringify(eventsOfBatch({ ...batch, made: [] })).slice(1, -1);
  return `[${text}${text !== '' && changes !== '' ? ',' : ''}${changes}]`;
}
