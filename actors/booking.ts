/**
 * The saga actor of one booking: event-sourced, so that another incarnation, here or on another node, goes on where the
 * last one stopped. It decides by engine/saga-decisions.ts, persists, and runs the one effect of the step it is in
 * (booking-effects.ts).
 *
 * It does not change a booking's status (the zone does), nor does it know HTTP or a provider's words.
 */
import type { Booking } from '../engine/booking.ts';
import { accept, type Outcome, reject, unavailable } from '../engine/outcome.ts';
import type { IntentState, ProviderName } from '../engine/payment.ts';
import { applySaga, newSaga, type Saga, type SagaEvent, type Step, stuckAfterAttempts } from '../engine/saga.ts';
import {
  decideFailure,
  decideFree,
  decideIntentNews,
  decidePayment,
  decideResult,
  type IntentNews,
  isAsExpected,
  type News,
  placeIntent,
} from '../engine/saga-decisions.ts';
import { type EffectDeps, effects } from './booking-effects.ts';
import { BookingWaiters, type LivePayment, type Looked } from './booking-waiters.ts';
import { type ActorRef, type Actors, ask, type PersistentBehaviour, type Reply, type Self } from './kit.ts';

// ---- Protocol

type Message =
  | {
      readonly type: 'pay';
      readonly booking: Booking;
      readonly paymentId: string;
      readonly provider: ProviderName;
      readonly reply: Reply<LivePayment>;
    }
  | { readonly type: 'settle'; readonly booking: Booking; readonly reply: Reply<null> }
  | { readonly type: 'notice'; readonly notice: IntentNews; readonly reply: Reply<null> }
  | { readonly type: 'look' }
  | { readonly type: 'result'; readonly step: Step; readonly news: News }
  | { readonly type: 'failed'; readonly step: Step; readonly error: string; readonly chance: number }
  | { readonly type: 'retry' }
  | { readonly type: 'seen'; readonly intent: IntentState }
  | { readonly type: 'unseen'; readonly error: string };

export interface BookingActor {
  readonly ref: ActorRef<Message>;
  /** True when it waits for nothing: it may be stopped and will come back from its events. */
  isAtRest(): boolean;
}

// ---- Client. Each answers SERVICE_UNAVAILABLE when it takes longer than the actor's `askTimeoutMs`.

/** Begins a payment, or answers the live one. Refused: RESERVATION_EXPIRED, INVALID_STATE. */
export function pay(
  deps: BookingDeps,
  actor: BookingActor,
  asked: { readonly booking: Booking; readonly provider: ProviderName },
): Promise<Outcome<LivePayment>> {
  const paymentId = deps.actors.world.ids.next();
  return ask(
    deps.actors,
    actor.ref,
    (reply: Reply<LivePayment>): Message => ({ type: 'pay', ...asked, paymentId, reply }),
    deps.askTimeoutMs,
  );
}

/**
 * Asks the saga to settle now: a free booking is confirmed, a paid one is looked up at the provider. Accepted when the
 * booking is confirmed and has its tickets. Refused: PAYMENT_FAILED, INVALID_STATE, RESERVATION_EXPIRED.
 */
export function settle(deps: BookingDeps, actor: BookingActor, booking: Booking): Promise<Outcome<null>> {
  return ask(
    deps.actors,
    actor.ref,
    (reply: Reply<null>): Message => ({ type: 'settle', booking, reply }),
    deps.askTimeoutMs,
  );
}

/**
 * Tells what the provider said. Accepted when durable; INVALID_STATE when the intent is none of this booking's, or the
 * amount is not: then the provider itself is asked.
 */
export function tell(deps: BookingDeps, actor: BookingActor, notice: IntentNews): Promise<Outcome<null>> {
  return ask(
    deps.actors,
    actor.ref,
    (reply: Reply<null>): Message => ({ type: 'notice', notice, reply }),
    deps.askTimeoutMs,
  );
}

/** Has a saga that waits for a payment look at the provider: webhooks get lost. */
export function look(deps: BookingDeps, actor: BookingActor): void {
  deps.actors.tell(actor.ref, { type: 'look' });
}

// ---- Behaviour

export interface BookingDeps extends EffectDeps {
  readonly actors: Actors;
  readonly paymentGraceMs: number;
  readonly askTimeoutMs: number;
  readonly watch: SagaWatch;
}

/** Told of what an operator must be able to see. */
export interface SagaWatch {
  stepped(step: Step, result: 'done' | 'failed'): void;
  stuck(bookingId: string, step: Step, error: string): void;
}

class BookingBehaviour implements PersistentBehaviour<Saga, SagaEvent, Message> {
  readonly #bookingId: string;
  readonly #deps: BookingDeps;
  readonly #waiting = new BookingWaiters();
  /** The step whose effect is under way, so that it is started once. */
  #running: Step | null = null;
  #looking = false;
  #step: Step = 'idle';

  constructor(bookingId: string, deps: BookingDeps) {
    this.#bookingId = bookingId;
    this.#deps = deps;
  }

  isAtRest(): boolean {
    return this.#waiting.isEmpty && !this.#running && !this.#looking && !effects[this.#step];
  }

  initial = (): Saga => {
    this.#running = null;
    this.#looking = false;
    return newSaga;
  };

  apply = applySaga;

  decide = (saga: Saga, message: Message, nowMs: number): readonly SagaEvent[] => {
    const eventId = 'booking' in message ? message.booking.eventId : (saga.booking?.eventId ?? '');
    return this.#news(saga, message, nowMs).map((news) => ({
      ...news,
      atMs: nowMs,
      bookingId: this.#bookingId,
      eventId,
    }));
  };

  #news(saga: Saga, message: Message, nowMs: number): readonly News[] {
    switch (message.type) {
      case 'pay':
        return decidePayment(saga, { ...message, paymentGraceMs: this.#deps.paymentGraceMs }, nowMs);
      case 'settle':
        return decideFree(saga, message.booking);
      case 'notice':
        return contradicts(saga, message.notice) ? [] : decideIntentNews(saga, message.notice);
      case 'seen':
        return message.intent.status === 'succeeded'
          ? decideIntentNews(saga, { ...message.intent, kind: 'succeeded' })
          : [];
      case 'result':
        return decideResult(saga, message.step, message.news);
      case 'failed':
        return decideFailure(saga, message.step, { error: message.error, nowMs, chance: message.chance });
      case 'look':
      case 'retry':
      case 'unseen':
        return [];
    }
  }

  react = (saga: Saga, message: Message | null, self: Self<Message>): void => {
    this.#step = saga.step;
    if (message) this.#take(saga, message, self.now());
    this.#waiting.answerPay(saga, self.now());
    this.#waiting.answerSettle(saga, looked(message));
    if (this.#waiting.wantsSettled || asksToLook(saga, message)) this.#look(saga, self);
    this.#runEffect(saga, self);
  };

  #take(saga: Saga, message: Message, nowMs: number): void {
    switch (message.type) {
      case 'pay':
        this.#waiting.awaitPayment(saga, message, nowMs);
        break;
      case 'settle':
        this.#waiting.awaitSettled(message.reply);
        break;
      case 'notice':
        message.reply(noticeTaken(saga, message.notice));
        break;
      case 'result':
        this.#running = null;
        this.#deps.watch.stepped(message.step, 'done');
        break;
      case 'failed':
        this.#running = null;
        this.#deps.watch.stepped(message.step, 'failed');
        if (saga.attempts >= stuckAfterAttempts) this.#deps.watch.stuck(this.#bookingId, message.step, message.error);
        break;
      case 'seen':
      case 'unseen':
        this.#looking = false;
        break;
      case 'look':
      case 'retry':
        break;
    }
  }

  /** Reads the intent at the provider; what it says comes back as `seen`. */
  #look(saga: Saga, self: Self<Message>): void {
    const { payment } = saga;
    if (this.#looking || saga.step !== 'await-payment' || !payment?.intentId) return;
    this.#looking = true;
    self.pipe(
      this.#deps.providers[payment.provider].readIntent(payment.intentId),
      (intent) => ({ type: 'seen', intent }),
      (error) => ({ type: 'unseen', error: String(error) }),
    );
  }

  #runEffect(saga: Saga, self: Self<Message>): void {
    const { step, booking } = saga;
    const effect = effects[step];
    if (!effect || !booking || this.#running === step) return;
    const waitMs = saga.retryAtMs - self.now();
    if (waitMs > 0) {
      self.after(waitMs, { type: 'retry' });
      return;
    }
    this.#running = step;
    self.pipe(
      effect({ ...saga, booking }, this.#deps),
      (news) => ({ type: 'result', step, news }),
      (error) => ({ type: 'failed', step, error: String(error), chance: this.#deps.world.random.next() }),
    );
  }

  abandon = (message: Message): void => {
    if ('reply' in message) message.reply(unavailable('the booking is being recovered'));
  };
}

function looked(message: Message | null): Looked {
  if (message?.type === 'seen') return message.intent;
  return message?.type === 'unseen' ? 'unseen' : 'not';
}

function asksToLook(saga: Saga, message: Message | null): boolean {
  return message?.type === 'look' || (message?.type === 'notice' && contradicts(saga, message.notice));
}

/** Success of another amount than the booking's is not believed on the word of a notice. */
function contradicts(saga: Saga, notice: IntentNews): boolean {
  return saga.step === 'await-payment' && notice.kind === 'succeeded' && !isAsExpected(saga, notice);
}

function noticeTaken(saga: Saga, notice: IntentNews): Outcome<null> {
  switch (placeIntent(saga, notice.intentId)) {
    case 'ours':
      return contradicts(saga, notice)
        ? reject('INVALID_STATE', undefined, 'the notice names another amount than the booking')
        : accept(null);
    case 'early':
      return unavailable('the payment is still being opened');
    case 'unknown':
      return reject('INVALID_STATE', undefined, 'the intent belongs to no payment of this booking');
  }
}

// ---- Lifecycle

/** Starts the saga actor of one booking; it recovers from its events first. */
export function startBooking(bookingId: string, deps: BookingDeps): BookingActor {
  const behaviour = new BookingBehaviour(bookingId, deps);
  const ref = deps.actors.spawnPersistent(`booking:${bookingId}`, behaviour, {
    mailboxMax: 1_000,
    restart: { minMs: 100, maxMs: 10_000 },
  });
  return { ref, isAtRest: () => behaviour.isAtRest() };
}
