/** What a committed batch tells the outside: the same envelopes whichever store takes it. */
import { bookingCreated, bookingMoved, type DomainEvent } from '../engine/events.ts';
import type { CommitBatch } from '../engine/ports.ts';

/** One event for each booking made, then one for each move that anybody outside needs to hear of, in their order. */
export function eventsOfBatch({ lease, terms, made, moved, nowMs }: CommitBatch): DomainEvent[] {
  const { eventId, zoneId } = lease;
  const time = new Date(nowMs).toISOString();
  const created = made.map(({ bookingId, userId, quantity, expiresAtMs }) =>
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
      },
      time,
    ),
  );
  const changed = moved.map(({ bookingId, move }) => bookingMoved({ bookingId, eventId, zoneId }, move, time));
  return [...created, ...changed.filter((event) => event !== null)];
}
