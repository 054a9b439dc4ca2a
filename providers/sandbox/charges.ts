/** Reads the sandbox's list of charges over HTTP, as an auditor from outside would: the second witness of payments. */
import type { Charge } from '../../engine/audit-money.ts';

/** What `GET /_sandbox/charges` lists (controls.ts). Times are RFC 3339. */
interface ListedCharge {
  readonly charge_id: string;
  readonly booking_id: string | null;
  readonly event_id: string | null;
  readonly amount: number;
  readonly currency: string;
  readonly captured_at: string;
  readonly refunded: number;
  readonly refunds: readonly { readonly created_at: string }[];
}

/** Rejects when the sandbox does not answer within `timeoutMs`, or not with a list. */
export async function readCharges(sandboxUrl: string, timeoutMs = 30_000): Promise<readonly Charge[]> {
  const response = await fetch(`${sandboxUrl}/_sandbox/charges`, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`the sandbox answered ${response.status} instead of its charges`);
  return ((await response.json()) as ListedCharge[]).map((listed) => ({
    chargeId: listed.charge_id,
    bookingId: listed.booking_id,
    eventId: listed.event_id,
    amountMinor: listed.amount,
    currency: listed.currency,
    refundedMinor: listed.refunded,
    movedAtMs: Math.max(...[listed.captured_at, ...listed.refunds.map((refund) => refund.created_at)].map(Date.parse)),
  }));
}
