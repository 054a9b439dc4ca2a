/**
 * P3 of one booking: at most one charge is kept, and it pays for a confirmed booking. Our own books and the provider's
 * list of charges are two witnesses; they have to agree, too.
 */
import type { Finding } from './audit.ts';
import type { BookingStatus } from './booking.ts';

/** Money that the provider really took, and what it gave back of it. Times are epoch ms. */
export interface Charge {
  readonly chargeId: string;
  /** Null when the charge is none of ours. */
  readonly bookingId: string | null;
  readonly eventId: string | null;
  readonly amountMinor: number;
  readonly currency: string;
  readonly refundedMinor: number;
  /** Of the capture, or of the last refund. */
  readonly movedAtMs: number;
}

/** What our books say of a booking that money was asked for. */
export interface BookedMoney {
  readonly bookingId: string;
  readonly eventId: string;
  readonly status: BookingStatus;
  readonly amountMinor: number;
  readonly currency: string;
  /** Sum of the payments that succeeded, also of those that were given back later. */
  readonly paidMinor: number;
  /** How many payments succeeded and were not given back. */
  readonly keptPayments: number;
  readonly refundedMinor: number;
  /** What the refund policy let the organizer keep of a booking that was given back. */
  readonly withheldMinor: number;
  /** When booking, payment or refund last changed. */
  readonly movedAtMs: number;
}

export interface Patience {
  readonly nowMs: number;
  /** How long a saga may take before what it has not finished counts as broken. 0: nothing may be under way. */
  readonly underWayMs: number;
}

/** `charges` null: the provider's list could not be read, so that only our own books speak. */
export function judgeMoney(
  booked: BookedMoney,
  charges: readonly Charge[] | null,
  { nowMs, underWayMs }: Patience,
): readonly Finding[] {
  const lastMovedAtMs = Math.max(booked.movedAtMs, ...(charges ?? []).map((charge) => charge.movedAtMs));
  const kind = nowMs - lastMovedAtMs < underWayMs ? 'under-way' : 'violation';
  const sentences = [...wrongfullyKept(booked, charges), ...(charges ? contradictions(booked, charges) : [])];
  return sentences.map((sentence) => ({
    promise: 'P3',
    kind,
    subject: booked.bookingId,
    sentence: `booking ${booked.bookingId} (${booked.status}) ${sentence}`,
  }));
}

function wrongfullyKept(booked: BookedMoney, charges: readonly Charge[] | null): readonly string[] {
  const kept = charges?.filter((charge) => charge.refundedMinor < charge.amountMinor);
  const keptCount = kept?.length ?? booked.keptPayments;
  const names = kept ? `: ${kept.map((charge) => charge.chargeId).join(', ')}` : '';
  if (keptCount > 1) return [`was charged ${keptCount} times${names}`];
  if (booked.status !== 'confirmed') return wrongfullyWithheld(booked, kept, names);
  if (booked.amountMinor === 0) return keptCount === 0 ? [] : [`is free, but was charged${names}`];
  if (keptCount === 0) return [`was confirmed without a charge of ${booked.amountMinor} ${booked.currency}`];
  return (kept ?? [])
    .filter((charge) => charge.amountMinor !== booked.amountMinor || charge.currency !== booked.currency)
    .map(
      (charge) =>
        `costs ${booked.amountMinor} ${booked.currency}, but ${charge.chargeId} took ${charge.amountMinor} ${charge.currency}`,
    );
}

/** Of a booking that is not confirmed, what the policy withholds may stay, and nothing else. */
function wrongfullyWithheld(
  booked: BookedMoney,
  kept: readonly Charge[] | undefined,
  names: string,
): readonly string[] {
  const keptMinor = kept
    ? kept.reduce((sum, charge) => sum + charge.amountMinor - charge.refundedMinor, 0)
    : booked.paidMinor - booked.refundedMinor;
  if (keptMinor === booked.withheldMinor) return [];
  if (booked.withheldMinor === 0) return [`is not confirmed, but its charge is kept${names}`];
  return [`was given back for a fee of ${booked.withheldMinor}, but ${keptMinor} are kept${names}`];
}

function contradictions(booked: BookedMoney, charges: readonly Charge[]): readonly string[] {
  const taken = charges.reduce((sum, charge) => sum + charge.amountMinor, 0);
  const returned = charges.reduce((sum, charge) => sum + charge.refundedMinor, 0);
  return [
    ...(taken === booked.paidMinor ? [] : [`has payments of ${booked.paidMinor}, the provider took ${taken}`]),
    ...(returned === booked.refundedMinor
      ? []
      : [`has refunds of ${booked.refundedMinor}, the provider gave back ${returned}`]),
  ];
}

/** A charge whose booking is not in the truth. A young one's may have been made after the truth was read. */
export function judgeStray(charge: Charge, { nowMs, underWayMs }: Patience): Finding {
  const { chargeId, bookingId, amountMinor, currency, movedAtMs } = charge;
  return {
    promise: 'P3',
    kind: nowMs - movedAtMs < underWayMs ? 'under-way' : 'violation',
    subject: bookingId ?? chargeId,
    sentence: `charge ${chargeId} took ${amountMinor} ${currency} for booking ${bookingId ?? '(none)'}, which is not there`,
  };
}
