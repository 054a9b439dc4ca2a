/**
 * What a saga decides when a confirmed booking is to be given back, or a part of its money: pure functions, like those of
 * saga-decisions.ts. A partial refund leaves the booking as it is; the one that returns the last of the money ends it,
 * and its seats and tickets go (docs/adr/0009).
 */
import { accept, type Outcome, type Refused, reject, unavailable } from './outcome.ts';
import { refundDue } from './refund.ts';
import type { Saga } from './saga.ts';
import type { News } from './saga-decisions.ts';
import type { Refund } from './saga-events.ts';

/** `policy`: the booking ends, and `percent` of what was paid goes back. `amount`: so much goes back, null for the rest. */
export type RefundOrder = { readonly requestKey: string; readonly reason: string } & (
  | { readonly kind: 'policy'; readonly percent: number }
  | { readonly kind: 'amount'; readonly amountMinor: number | null }
);

/** Begins a refund, unless it was begun before or cannot be. */
export function decideRefund(saga: Saga, order: RefundOrder): readonly News[] {
  if (!isSold(saga) || findRefund(saga, order)) return [];
  const paidMinor = saga.payment?.capturedMinor ?? 0;
  const leftMinor = paidMinor - saga.refundedMinor;
  const amountMinor =
    order.kind === 'policy'
      ? refundDue(paidMinor, order.percent, saga.refundedMinor)
      : (order.amountMinor ?? leftMinor);
  if (amountMinor > leftMinor) return [];
  const ends = order.kind === 'policy' || amountMinor === leftMinor;
  const refund: Refund = {
    refund: saga.refunds.length + 1,
    paymentId: saga.payment?.paymentId ?? null,
    amountMinor,
    withheldMinor: ends ? leftMinor - amountMinor : 0,
    reason: order.reason,
    ends,
    requestKey: order.requestKey,
  };
  return [{ type: 'refund-requested', ...refund }];
}

/** Confirmed, with its tickets; what the buyer is told of it may still be on its way. */
export function isSold({ step }: Saga): boolean {
  return step === 'done' || step === 'send-notification';
}

/**
 * What the order has come to; null while that is not known. Accepted once it is durable and, when it ends the booking,
 * the seats are back. The money follows by itself.
 */
export function refundAnswer(saga: Saga, order: RefundOrder): Outcome<Refund> | null {
  const refund = findRefund(saga, order);
  if (refund && isOther(refund, order)) return reject('IDEMPOTENCY_MISMATCH');
  if (refund) return refund.ends && saga.step === 'return-seats' ? null : accept(refund);
  return isSold(saga) ? tooMuch(saga) : whyNot(saga);
}

/** The same key for another amount. What a policy or "all that is left" comes to is decided once, and is no mismatch. */
function isOther(refund: Refund, order: RefundOrder): boolean {
  return order.kind === 'amount' && order.amountMinor !== null && order.amountMinor !== refund.amountMinor;
}

export function findRefund({ refunds }: Saga, { requestKey }: RefundOrder): Refund | undefined {
  return refunds.find((refund) => refund.requestKey === requestKey);
}

function whyNot({ step }: Saga): Refused | null {
  switch (step) {
    case 'return-seats':
    case 'return-money':
      return unavailable('another refund is under way; ask again');
    case 'confirm-booking':
    case 'reacquire':
    case 'issue-tickets':
      return null;
    default:
      return reject('INVALID_STATE', { saga: step }, 'there is nothing to give back');
  }
}

function tooMuch({ payment, refundedMinor }: Saga): Refused {
  const leftMinor = (payment?.capturedMinor ?? 0) - refundedMinor;
  return reject('VALIDATION_ERROR', { amount: `at most ${leftMinor} is left to refund` });
}
