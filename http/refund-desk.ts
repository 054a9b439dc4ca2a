/** Who may have what back: the policy for a buyer, any part of the money for who manages the event. */
import type { Booking } from '../engine/booking.ts';
import type { Outcome } from '../engine/outcome.ts';
import { refundPercent } from '../engine/refund.ts';
import type { Refund } from '../engine/saga-events.ts';
import type { Deps } from './deps.ts';

/** Ends a confirmed booking for what the event's policy gives back now. Repeated, it gives the first answer. */
export async function refundByPolicy(
  deps: Deps,
  booking: Booking,
  traceparent: string | undefined,
): Promise<Outcome<Refund>> {
  const terms = await deps.refunds.termsOf(booking);
  const percent = refundPercent(terms, deps.clock.now());
  const reason = terms.organizerCancelled ? 'event_cancelled' : `policy_${percent}_percent`;
  return deps.refundBooking(booking, { kind: 'policy', percent, reason, requestKey: 'given-back' }, traceparent);
}

interface PartAsked {
  readonly amountMinor: number | null;
  readonly key: string | null;
  readonly traceparent: string | undefined;
}

/**
 * Returns a part of the money, or all that is left (`amountMinor` null), which ends the booking. The key tells a
 * repeated request from a second refund.
 */
export function refundByOrganizer(
  deps: Deps,
  booking: Booking,
  { amountMinor, key, traceparent }: PartAsked,
): Promise<Outcome<Refund>> {
  const requestKey = amountMinor === null ? 'rest' : `key:${key}`;
  return deps.refundBooking(booking, { kind: 'amount', amountMinor, reason: 'organizer', requestKey }, traceparent);
}
