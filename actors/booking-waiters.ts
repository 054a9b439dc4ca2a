/** Who waits for a booking's saga, and what they are answered once it has come far enough. Lost with the process. */
import type { Booking } from '../engine/booking.ts';
import { accept, type Outcome, type Refused, reject, unavailable } from '../engine/outcome.ts';
import type { IntentState, ProviderName } from '../engine/payment.ts';
import { findRefund, isSold, type RefundOrder, refundAnswer } from '../engine/refund-decisions.ts';
import { type Saga, statusOf } from '../engine/saga.ts';
import { whyNotPayable } from '../engine/saga-decisions.ts';
import type { Refund } from '../engine/saga-events.ts';
import type { Reply } from './kit.ts';

export interface LivePayment {
  readonly paymentId: string;
  readonly provider: ProviderName;
  readonly clientSecret: string | null;
  readonly redirectUrl: string | null;
  readonly amountMinor: number;
  readonly currency: string;
}

/** What the provider said when it was just asked about the payment: nothing, if it was asked and did not answer. */
export type Looked = 'not' | 'unseen' | IntentState;

export interface RefundAsked {
  readonly booking: Booking;
  readonly order: RefundOrder;
  readonly reply: Reply<Refund>;
}

export class BookingWaiters {
  readonly #pay: { readonly reply: Reply<LivePayment>; readonly booking: Booking }[] = [];
  readonly #settle: Reply<null>[] = [];
  #refund: RefundAsked[] = [];

  get isEmpty(): boolean {
    return this.#pay.length === 0 && this.#settle.length === 0 && this.#refund.length === 0;
  }

  get wantsSettled(): boolean {
    return this.#settle.length > 0;
  }

  /** `booking` as it was when the payment was asked for. A live payment must not be handed out beyond its hold. */
  awaitPayment(saga: Saga, asked: { readonly booking: Booking; readonly reply: Reply<LivePayment> }, nowMs: number) {
    const refusal = saga.step === 'await-payment' ? whyNotPayable(asked.booking, nowMs) : null;
    if (refusal) asked.reply(reject(refusal));
    else this.#pay.push(asked);
  }

  awaitSettled(reply: Reply<null>): void {
    this.#settle.push(reply);
  }

  awaitRefund(saga: Saga, asked: RefundAsked): void {
    const answer = refundAnswer(saga, asked.order);
    if (answer) asked.reply(answer);
    else this.#refund.push(asked);
  }

  /** Answers refunds that are known, and hands out those that came before the booking was sold, to be decided now. */
  answerRefund(saga: Saga): readonly RefundAsked[] {
    const decidable = this.#refund.filter(({ order }) => isSold(saga) && !findRefund(saga, order));
    const waiting = this.#refund.filter((asked) => !decidable.includes(asked));
    this.#refund = [];
    for (const asked of waiting) this.awaitRefund(saga, asked);
    return decidable;
  }

  /** Answers those who asked for a payment once it is live, or known to come to nothing. */
  answerPay(saga: Saga, nowMs: number): void {
    const { step, payment, booking } = saga;
    if (step === 'extend-hold' || step === 'open-intent') return;
    for (const { reply, booking: asked } of this.#pay.splice(0)) {
      // The provider may have been slower than the hold was long.
      const isOver = Math.max(asked.expiresAtMs, saga.extendToMs ?? 0) <= nowMs;
      if (step === 'await-payment' && isOver) reply(reject('RESERVATION_EXPIRED'));
      else if (step === 'await-payment' && payment && booking) {
        const { paymentId, provider, clientSecret, redirectUrl = null } = payment;
        const { amountMinor, currency } = booking;
        reply(accept({ paymentId, provider, clientSecret, redirectUrl, amountMinor, currency }));
      } else if (step === 'idle') {
        const why = whyNotPayable(asked, nowMs) ?? saga.refusal ?? 'SERVICE_UNAVAILABLE';
        reply(why === 'SERVICE_UNAVAILABLE' ? unavailable('the provider opened no payment') : reject(why));
      } else reply(reject('INVALID_STATE', { saga: statusOf(step) }, 'the payment of this booking is over'));
    }
  }

  /** Answers all of them that nothing more will happen here. */
  refuseAll(refusal: Refused): void {
    const waiting = [...this.#pay.splice(0), ...this.#refund.splice(0)].map(({ reply }) => reply);
    for (const reply of [...waiting, ...this.#settle.splice(0)]) reply(refusal);
  }

  answerSettle(saga: Saga, looked: Looked): void {
    const answer = settled(saga, looked);
    if (answer) for (const reply of this.#settle.splice(0)) reply(answer);
  }
}

/** What a request to settle is answered, or null while that is not known yet. */
function settled({ step, refundReason, refunds, payment }: Saga, looked: Looked): Outcome<null> | null {
  switch (step) {
    case 'send-notification':
    case 'done':
      return accept(null);
    case 'refund':
    case 'write-off':
    case 'refunded':
      if (refunds.length > 0) return reject('INVALID_STATE', { refund: refundReason }, 'the booking was given back');
      return reject(
        'RESERVATION_EXPIRED',
        { refund: refundReason },
        'the seats are gone; the payment is being returned',
      );
    case 'await-payment':
      if (looked === 'not') return null;
      if (looked === 'unseen') return unavailable('the provider does not answer');
      // Of the provider, not of the saga: the notice of a declined card may still be on its way.
      return looked.declineCode
        ? reject('PAYMENT_FAILED', { decline_code: looked.declineCode })
        : reject('INVALID_STATE', undefined, 'the payment has not been made yet');
    case 'return-seats':
    case 'return-money':
      return reject('INVALID_STATE', undefined, 'the booking is being given back');
    case 'idle':
      if (payment?.declineCode) return reject('PAYMENT_FAILED', { decline_code: payment.declineCode });
      return reject('INVALID_STATE', undefined, 'no payment was begun');
    default:
      return null;
  }
}
