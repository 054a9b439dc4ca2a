/**
 * What a saga decides when a confirmed booking is to be given back, or a part of its money: pure functions, like those of
 * saga-decisions.ts. A partial refund leaves the booking as it is; the one that returns the last of the money ends it,
 * and its seats and tickets go (docs/adr/0009).
 */
import { accept, type Outcome, type Refused, reject, unavailable } from './outcome.ts';
import { mayRefundByHand } from './payment.ts';
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

/**
 * Somebody gave back by hand what the open step owes. Only where the provider may leave it to hands, and has been asked:
 * otherwise it would be given twice.
 */
export function decideDeclared(saga: Saga, reference: string): readonly News[] {
  const { step, attempts, payment, refunds, refundReason: reason } = saga;
  if (!payment || attempts === 0 || !mayRefundByHand(payment.provider)) return [];
  const { paymentId, capturedMinor: amountMinor } = payment;
  const refundId = `by hand: ${reference}`;
  if (step === 'refund') return [{ type: 'refund-settled', paymentId, amountMinor, refundId, reason }];
  const refund = refunds.at(-1);
  return step === 'return-money' && refund ? [{ type: 'money-returned', ...refund, refundId }] : [];
}

/** What a declaration is answered, once it was decided. */
export function declaredAnswer({ step, refunds }: Saga): Outcome<null> {
  if (step === 'write-off' || step === 'refunded' || (step === 'done' && refunds.length > 0)) return accept(null);
  return reject('INVALID_STATE', { saga: step }, 'no refund waits for a hand');
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
