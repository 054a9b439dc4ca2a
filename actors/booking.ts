/**
 * The saga actor of one booking: event-sourced, so that another incarnation, here or on another node, goes on where the
 * last one stopped. It decides by engine/saga-decisions.ts, persists, and runs the one effect of the step it is in
 * (booking-effects.ts). What it may be asked stands in booking-requests.ts.
 *
 * It does not change a booking's status (the zone does), nor does it know HTTP or a provider's words.
 */
import { type Outcome, unavailable } from '../engine/outcome.ts';
import { type IntentState, type ProviderName, type Providers, providerOf } from '../engine/payment.ts';
import { decideDeclared, decideRefund, declaredAnswer } from '../engine/refund-decisions.ts';
import { applySaga, isStuck, newSaga, type Saga } from '../engine/saga.ts';
import {
  canStillBePaid,
  contradicts,
  decideFailure,
  decideFree,
  decideHoldEnded,
  decideIntentNews,
  decidePayment,
  decideResult,
  decideResume,
  type IntentNews,
  isMoneyAwaited,
  type News,
  noticeTaken,
} from '../engine/saga-decisions.ts';
import type { SagaEvent, Step } from '../engine/saga-events.ts';
import { ofTrace } from '../engine/trace-context.ts';
import { type EffectDeps, effects, inTime } from './booking-effects.ts';
import type { BookingAddress, BookingAsk, BookingMessage, BookingRequest } from './booking-requests.ts';
import { BookingWaiters, type Looked } from './booking-waiters.ts';
import type { ActorRef, PersistentBehaviour, Self } from './kit.ts';

// ---- Client: the functions of booking-requests.ts, over this address.

export interface LocalBooking extends BookingAddress {
  readonly ref: ActorRef<BookingMessage>;
  /** True when it waits for nothing: it may be stopped and will come back from its events. */
  isAtRest(): boolean;
  /** Ends the actor in the middle of whatever it does: another goes on from its events. */
  close(): void;
}

// ---- Behaviour

export interface BookingDeps extends EffectDeps, BookingAsk {
  readonly paymentGraceMs: number;
  readonly watch: SagaWatch;
}

/** Told of what an operator must be able to see. */
export interface SagaWatch {
  stepped(step: Step, result: 'done' | 'failed'): void;
  stuck(bookingId: string, step: Step, error: string): void;
}

class BookingBehaviour implements PersistentBehaviour<Saga, SagaEvent, BookingMessage> {
  readonly #bookingId: string;
  readonly #deps: BookingDeps;
  readonly #waiting = new BookingWaiters();
  /** The step whose effect is under way, so that it is started once. */
  #running: Step | null = null;
  #looking = false;
  /** A notice of money whose zone is being asked: it is not in the journal yet. */
  #heard: Extract<BookingRequest, { readonly type: 'notice' }> | null = null;
  /** An operator wants the step tried now, whatever its delay. */
  #impatient = false;
  #step: Step = 'idle';

  constructor(bookingId: string, deps: BookingDeps) {
    this.#bookingId = bookingId;
    this.#deps = deps;
  }

  isAtRest(): boolean {
    return this.#waiting.isEmpty && !this.#running && !this.#looking && !effects[this.#step];
  }

  initial = (): Saga => {
    this.#answerHeard(() => recovering);
    this.#running = null;
    this.#looking = false;
    return newSaga;
  };

  apply = applySaga;

  /**
   * Money of which a stored notice tells waits for what its zone says, so that both are one commit: the notice is durable,
   * and comes again until this saga has taken it. Whatever else comes first has the money written down with it.
   */
  decide = (saga: Saga, message: BookingMessage, nowMs: number): readonly SagaEvent[] => {
    if (!this.#heard && message.type === 'notice' && isMoneyAwaited(saga, message.notice)) return [];
    const heard = this.#moneyHeard(saga, nowMs);
    const news = this.#news(heard.reduce(applySaga, saga), message, nowMs);
    return [...heard, ...this.#eventsOf(news, saga, message, nowMs)];
  };

  /** What will be written of the money that was heard of. */
  #moneyHeard(saga: Saga, nowMs: number): readonly SagaEvent[] {
    const heard = this.#heard;
    return heard ? this.#eventsOf(decideIntentNews(saga, heard.notice), saga, heard, nowMs) : [];
  }

  #eventsOf(news: readonly News[], saga: Saga, message: BookingMessage, atMs: number): readonly SagaEvent[] {
    const eventId = 'booking' in message ? message.booking.eventId : (saga.booking?.eventId ?? '');
    const asked = 'traceparent' in message ? message.traceparent : undefined;
    const of = { atMs, bookingId: this.#bookingId, eventId, ...ofTrace(asked ?? saga.traceparent) };
    return news.map((each) => ({ ...each, ...of }));
  }

  #news(saga: Saga, message: BookingMessage, nowMs: number): readonly News[] {
    switch (message.type) {
      case 'pay':
        return decidePayment(saga, { ...message, paymentGraceMs: this.#deps.paymentGraceMs }, nowMs);
      case 'settle':
        return decideFree(saga, message.booking);
      case 'notice':
        return contradicts(saga, message.notice) ? [] : decideIntentNews(saga, message.notice);
      case 'seen': {
        const { status } = message.intent;
        return status === 'processing' ? [] : decideIntentNews(saga, { ...message.intent, kind: status });
      }
      case 'refund':
        return decideRefund(saga, message.order);
      case 'refund-declared':
        return decideDeclared(saga, message.reference);
      case 'hold-ended':
        return decideHoldEnded(saga, message.reason);
      case 'resume':
        return decideResume(saga, message.step);
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

  react = (saga: Saga, message: BookingMessage | null, self: Self<BookingMessage>): void => {
    this.#answerHeard((notice) => noticeTaken(saga, notice));
    if (message) this.#take(saga, message, self.now());
    this.#waiting.answerPay(saga, self.now());
    this.#waiting.answerSettle(saga, looked(message));
    for (const asked of this.#waiting.answerRefund(saga)) self.tell({ type: 'refund', ...asked });
    if (this.#waiting.wantsSettled || asksToLook(saga, message)) this.#look(saga, self);
    const ahead = this.#moneyHeard(saga, self.now()).reduce(applySaga, saga);
    this.#step = ahead.step;
    this.#runEffect(ahead, self);
  };

  #take(saga: Saga, message: BookingMessage, nowMs: number): void {
    switch (message.type) {
      case 'pay':
        this.#waiting.awaitPayment(saga, message, nowMs);
        break;
      case 'settle':
        this.#waiting.awaitSettled(message.reply);
        break;
      case 'refund':
        this.#waiting.awaitRefund(saga, message);
        break;
      case 'refund-declared':
        message.reply(declaredAnswer(saga));
        break;
      case 'notice':
        if (isMoneyAwaited(saga, message.notice)) this.#heard = message;
        else message.reply(noticeTaken(saga, message.notice));
        break;
      case 'result':
        this.#ended(message.step);
        this.#deps.watch.stepped(message.step, 'done');
        break;
      case 'failed':
        this.#ended(message.step);
        this.#deps.watch.stepped(message.step, 'failed');
        if (isStuck(saga, nowMs)) this.#deps.watch.stuck(this.#bookingId, message.step, message.error);
        break;
      case 'seen':
      case 'unseen':
        this.#looking = false;
        break;
      case 'resume':
        this.#impatient = true;
        break;
      case 'hold-ended':
      case 'look':
      case 'retry':
        break;
    }
  }

  /** News may have moved the saga on while the effect of the step before was under way. */
  #ended(step: Step): void {
    if (this.#running === step) this.#running = null;
  }

  /** Reads the intent at the provider; what it says comes back as `seen`. */
  #look(saga: Saga, self: Self<BookingMessage>): void {
    const { payment } = saga;
    if (this.#looking || !canStillBePaid(saga) || !payment?.intentId) return;
    this.#looking = true;
    self.pipe(
      readIntent(this.#deps.providers, payment.provider, payment.intentId),
      (intent) => ({ type: 'seen', intent }),
      (error) => ({ type: 'unseen', error: String(error) }),
    );
  }

  #runEffect(saga: Saga, self: Self<BookingMessage>): void {
    const { step, booking } = saga;
    const effect = effects[step];
    if (!effect || !booking || this.#running === step) return;
    const waitMs = saga.retryAtMs - self.now();
    if (waitMs > 0 && !this.#impatient) {
      self.after(waitMs, { type: 'retry' });
      return;
    }
    this.#running = step;
    this.#impatient = false;
    self.pipe(
      inTime(this.#deps.world.timers, effect({ ...saga, booking }, this.#deps)),
      (news) => ({ type: 'result', step, news: Array.isArray(news) ? news : [news] }),
      (error) => ({ type: 'failed', step, error: String(error), chance: this.#deps.world.random.next() }),
    );
  }

  /** A message of its own is lost with the incarnation that it was meant for. */
  abandon = (message: BookingMessage): void => {
    if ('reply' in message) message.reply(recovering);
    else this.#answerHeard(() => recovering);
  };

  /** Once what was heard is durable, or will not be. */
  #answerHeard(answer: (notice: IntentNews) => Outcome<null>): void {
    const heard = this.#heard;
    this.#heard = null;
    heard?.reply(answer(heard.notice));
  }

  /** Answers all who wait: nothing more will happen here. */
  giveUp(): void {
    this.#answerHeard(() => recovering);
    this.#waiting.refuseAll(recovering);
  }
}

const recovering = unavailable('the booking is being recovered');

/** An account that is gone by now counts as a provider that does not answer. */
async function readIntent(providers: Providers, name: ProviderName, intentId: string): Promise<IntentState> {
  return providerOf(providers, name).readIntent(intentId);
}

function looked(message: BookingMessage | null): Looked {
  if (message?.type === 'seen') return message.intent;
  return message?.type === 'unseen' ? 'unseen' : 'not';
}

function asksToLook(saga: Saga, message: BookingMessage | null): boolean {
  return message?.type === 'look' || (message?.type === 'notice' && contradicts(saga, message.notice));
}

// ---- Lifecycle

/** Starts the saga actor of one booking; it recovers from its events first. */
export function startBooking(bookingId: string, deps: BookingDeps): LocalBooking {
  const behaviour = new BookingBehaviour(bookingId, deps);
  const ref = deps.actors.spawnPersistent(`booking:${bookingId}`, behaviour, {
    mailboxMax: 1_000,
    restart: { minMs: 100, maxMs: 10_000 },
  });
  return {
    ref,
    send: (request) => deps.actors.tell(ref, request),
    isAtRest: () => behaviour.isAtRest(),
    close() {
      deps.actors.stop(ref);
      behaviour.giveUp();
    },
  };
}
