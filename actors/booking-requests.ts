/**
 * What may be asked of a booking's saga, and the functions that ask; nobody but this file builds its messages. Each
 * request is answered SERVICE_UNAVAILABLE when it takes longer than `askTimeoutMs`: it may still be done, and may be
 * asked again.
 */
import type { Booking } from '../engine/booking.ts';
import { accept, type Outcome } from '../engine/outcome.ts';
import type { IntentState, ProviderName } from '../engine/payment.ts';
import type { RefundOrder } from '../engine/refund-decisions.ts';
import type { IntentNews, News } from '../engine/saga-decisions.ts';
import type { Refund, Step } from '../engine/saga-events.ts';
import type { LivePayment } from './booking-waiters.ts';
import type { Wire } from './cluster/forwarding.ts';
import { type Actors, ask, type Reply } from './kit.ts';

// ---- Protocol

interface Asked {
  readonly booking: Booking;
  /** Of the request; the events that it leads to carry it. */
  readonly traceparent?: string | undefined;
}

/** What others may ask. */
export type BookingRequest =
  | ({
      readonly type: 'pay';
      readonly paymentId: string;
      readonly provider: ProviderName;
      readonly returnUrl?: string | undefined;
      readonly reply: Reply<LivePayment>;
    } & Asked)
  | ({ readonly type: 'settle'; readonly reply: Reply<null> } & Asked)
  | { readonly type: 'notice'; readonly notice: IntentNews; readonly reply: Reply<null> }
  | ({ readonly type: 'refund'; readonly order: RefundOrder; readonly reply: Reply<Refund> } & Asked)
  | { readonly type: 'hold-ended'; readonly reason: 'expired' | 'cancelled' }
  | { readonly type: 'refund-declared'; readonly reference: string; readonly reply: Reply<null> }
  | { readonly type: 'look' }
  | { readonly type: 'resume'; readonly step: Step | null };

export type BookingMessage =
  | BookingRequest
  // From its own effects and timers.
  | { readonly type: 'result'; readonly step: Step; readonly news: readonly News[] }
  | { readonly type: 'failed'; readonly step: Step; readonly error: string; readonly chance: number }
  | { readonly type: 'retry' }
  | { readonly type: 'seen'; readonly intent: IntentState }
  | { readonly type: 'unseen'; readonly error: string };

export interface BookingAddress {
  /** Hands a request over. Its reply, if it has one, may never be called. */
  send(request: BookingRequest): void;
}

/** How requests travel to a saga of another node: without the reply, which stays. */
export const bookingWire = (asker: BookingAsk): Wire<BookingRequest> => ({
  orderOf(request) {
    const { reply, ...order } = { reply: nobodyAsked, ...request };
    return { order, deadlineMs: asker.actors.world.clock.now() + asker.askTimeoutMs, reply: reply as Reply<unknown> };
  },
  requestOf(order, _deadlineMs, reply) {
    const request = { ...(order as object), reply } as BookingRequest;
    // What asks for no answer is taken when it has arrived.
    if (unanswered.has(request.type)) reply(accept(null));
    return request;
  },
});

const nobodyAsked: Reply<unknown> = () => {};
const unanswered: ReadonlySet<BookingRequest['type']> = new Set(['hold-ended', 'look', 'resume']);

export interface BookingAsk {
  readonly actors: Actors;
  readonly askTimeoutMs: number;
}

// ---- Client

/** Begins a payment, or answers the live one. Refused: RESERVATION_EXPIRED, INVALID_STATE. */
export function pay(
  asker: BookingAsk,
  saga: BookingAddress,
  asked: Asked & { readonly provider: ProviderName; readonly returnUrl?: string | undefined },
): Promise<Outcome<LivePayment>> {
  const paymentId = asker.actors.world.ids.next();
  return request(asker, saga, (reply: Reply<LivePayment>) => ({ type: 'pay', ...asked, paymentId, reply }));
}

/**
 * Asks the saga to settle now: a free booking is confirmed, a paid one is looked up at the provider. Accepted when the
 * booking is confirmed and has its tickets. Refused: PAYMENT_FAILED, INVALID_STATE, RESERVATION_EXPIRED.
 */
export function settle(
  asker: BookingAsk,
  saga: BookingAddress,
  booking: Booking,
  traceparent?: string,
): Promise<Outcome<null>> {
  return request(asker, saga, (reply: Reply<null>) => ({ type: 'settle', booking, traceparent, reply }));
}

/**
 * Tells what the provider said. Accepted when durable; INVALID_STATE when the intent is none of this booking's, or the
 * amount is not: then the provider itself is asked.
 */
export function tell(asker: BookingAsk, saga: BookingAddress, notice: IntentNews): Promise<Outcome<null>> {
  return request(asker, saga, (reply: Reply<null>) => ({ type: 'notice', notice, reply }));
}

/**
 * Gives a confirmed booking back, or a part of its money. Accepted when that is durable and, if the booking ends, its
 * seats are back; the money follows. Refused: VALIDATION_ERROR (more than is left), INVALID_STATE.
 */
export function refund(
  asker: BookingAsk,
  saga: BookingAddress,
  asked: Asked & { readonly order: RefundOrder },
): Promise<Outcome<Refund>> {
  return request(asker, saga, (reply: Reply<Refund>) => ({ type: 'refund', ...asked, reply }));
}

/** Tells that the hold is gone: an intent that still waits for a payment is voided. */
export function endHold(saga: BookingAddress, reason: 'expired' | 'cancelled'): void {
  saga.send({ type: 'hold-ended', reason });
}

/**
 * Tells that a person gave back what the open step owes, because its provider has no call for it. Accepted when durable,
 * and again for what was given back before. Refused: INVALID_STATE, when nothing waits for a hand.
 */
export function declareRefund(asker: BookingAsk, saga: BookingAddress, reference: string): Promise<Outcome<null>> {
  return request(asker, saga, (reply: Reply<null>) => ({ type: 'refund-declared', reference, reply }));
}

/** Has a saga that waits for a payment look at the provider: webhooks get lost. */
export function look(saga: BookingAddress): void {
  saga.send({ type: 'look' });
}

/** Has a step that failed tried again now. With `step`, also one that was given up, where that makes sense. */
export function resume(saga: BookingAddress, step: Step | null = null): void {
  saga.send({ type: 'resume', step });
}

function request<T>(
  { actors, askTimeoutMs }: BookingAsk,
  saga: BookingAddress,
  build: (reply: Reply<T>) => BookingRequest,
): Promise<Outcome<T>> {
  return ask<BookingRequest, T>(actors.world.timers, (message) => saga.send(message), build, askTimeoutMs);
}
