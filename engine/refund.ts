/**
 * What a buyer gets back for a booking that is given back: the default policy of an event (SPEC §13), by the time that
 * is left before the show. Amounts are integers of the currency's minor unit.
 */

const dayMs = 86_400_000;

export interface RefundTerms {
  readonly showStartsAtMs: number;
  /** The show does not take place: everything goes back, whenever that is. */
  readonly organizerCancelled: boolean;
}

/** More than 7 days before the show everything, from 7 to 3 days half of it, later nothing. */
export function refundPercent({ showStartsAtMs, organizerCancelled }: RefundTerms, nowMs: number): 0 | 50 | 100 {
  if (organizerCancelled) return 100;
  const leftMs = showStartsAtMs - nowMs;
  if (leftMs > 7 * dayMs) return 100;
  return leftMs >= 3 * dayMs ? 50 : 0;
}

/** What is still to be given back of `paidMinor` so that `percent` of it went back; a half unit is the buyer's. */
export function refundDue(paidMinor: number, percent: number, refundedMinor: number): number {
  return Math.max(0, Math.ceil((paidMinor * percent) / 100) - refundedMinor);
}
