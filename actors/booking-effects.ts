/**
 * The one effect of each step of a saga. Each may run twice for one step (a crash between effect and event), so each
 * is safe to repeat: providers get a key per booking and attempt, and a zone is asked only after the truth was read.
 * A rejection means "try again later".
 */
import type { Booking } from '../engine/booking.ts';
import type { Outcome } from '../engine/outcome.ts';
import {
  type PaymentProvider,
  ProviderRefused,
  type Providers,
  providerOf,
  type RefundRequest,
  requestedAtMs,
} from '../engine/payment.ts';
import type { Timers, World, ZoneLedger } from '../engine/ports.ts';
import { type Saga, type SagaPayment, stepTimeoutMs } from '../engine/saga.ts';
import { isAsExpected, type News } from '../engine/saga-decisions.ts';
import type { Refund, SagaBooking, Step } from '../engine/saga-events.ts';
import { ofTrace } from '../engine/trace-context.ts';
import {
  confirm,
  extend,
  type Moved,
  type MoveRequest,
  reacquire,
  refund as refundSeats,
  writeOff,
  type ZoneAddress,
} from './zone-requests.ts';

export interface EffectDeps {
  readonly world: World;
  readonly zoneOf: (zoneId: string) => ZoneAddress;
  readonly bookings: Pick<ZoneLedger, 'find'>;
  readonly providers: Providers;
}

/** How long a zone may take to begin what a saga asks of it. */
const zoneDeadlineMs = 5_000;

/** What came of it; several where the later ones need nothing from outside, so that they are one decision. */
type Result = News | readonly News[];
type Effect = (saga: Saga & { readonly booking: SagaBooking }, deps: EffectDeps) => Promise<Result>;

/** Steps that wait for somebody have no effect. */
export const effects: Readonly<Partial<Record<Step, Effect>>> = {
  'extend-hold': extendHold,
  'open-intent': openIntent,
  'confirm-booking': confirmBooking,
  reacquire: reacquireSeats,
  'issue-tickets': issueTickets,
  'send-notification': sendNotification,
  refund: refundPayment,
  'write-off': writeOffBooking,
  'void-intent': voidIntent,
  'return-seats': returnSeats,
  'return-money': returnMoney,
};

/** The effect's result, or a failure when it takes longer than a step may. */
export function inTime(timers: Timers, effect: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(stepTimeoutMs, () => reject(new Error(`no answer within ${stepTimeoutMs} ms`)));
    effect.then(resolve, reject).finally(cancel);
  });
}

async function extendHold(saga: Parameters<Effect>[0], deps: EffectDeps): Promise<News> {
  const { booking, extendToMs } = saga;
  const expiresAtMs = extendToMs ?? 0;
  const { bookingId } = booking;
  const moved = await ask(deps, saga, (zone, asked) => extend(zone, { bookingId, expiresAtMs }, asked));
  return moved === 'applied' ? { type: 'hold-extended' } : { type: 'hold-gone' };
}

async function openIntent({ booking, payment, traceparent }: Parameters<Effect>[0], deps: EffectDeps): Promise<News> {
  const { paymentId, provider, attempt, returnUrl } = known(payment);
  const { bookingId, eventId, userId, amountMinor, currency } = booking;
  const { expiresAtMs } = await present(deps, booking);
  try {
    const intent = await providerOf(deps.providers, provider).openIntent({
      bookingId,
      eventId,
      paymentId,
      amountMinor,
      currency,
      idempotencyKey: `booking:${bookingId}:intent:${attempt}`,
      requestedAtMs: requestedAtMs(paymentId),
      payBeforeMs: expiresAtMs,
      ...ofTrace(traceparent),
    });
    const opened = { paymentId, userId, provider, amountMinor, currency, ...intent };
    return { type: 'intent-opened', ...opened, ...(returnUrl ? { returnUrl } : {}) };
  } catch (error) {
    if (error instanceof ProviderRefused) return { type: 'intent-refused', error: error.message };
    throw error;
  }
}

/** Money that was faster than we is news of its own. */
async function voidIntent(saga: Parameters<Effect>[0], deps: EffectDeps): Promise<News> {
  const { paymentId, provider, intentId } = known(saga.payment);
  if (!intentId) throw new Error('there is no intent to void');
  const intent = await providerOf(deps.providers, provider).cancelIntent(intentId);
  const { status, amountMinor } = intent;
  if (status === 'cancelled') return { type: 'intent-voided', paymentId };
  if (status === 'processing') throw new Error('the intent cannot be voided yet');
  return { type: 'payment-succeeded', paymentId, intentId, amountMinor, asExpected: isAsExpected(saga, intent) };
}

/** The zone is asked first, and the truth only where the zone does not do it: mostly it does. */
async function confirmBooking(saga: Parameters<Effect>[0], deps: EffectDeps): Promise<Result> {
  const { booking, payment } = saga;
  const moved = await ask(deps, saga, (zone, asked) => confirm(zone, booking.bookingId, asked));
  if (moved === 'applied') return confirmed('hold', booking, deps);
  // Refused perhaps because an earlier try, whose answer was lost, has confirmed it.
  const { status } = await present(deps, booking);
  if (status === 'confirmed') return confirmed('hold', booking, deps);
  if (status === 'reserved') throw new Error('the hold is in the truth but not in the gate');
  // Without money there is nothing to make good: a free booking whose hold is gone simply stays unconfirmed.
  return payment ? { type: 'hold-missing' } : { type: 'hold-gone' };
}

/**
 * With its tickets, and with the command to tell the buyer, which goes to the event log by the commit that issues them:
 * nothing of it is done outside the journal, so one commit says all.
 */
function confirmed(by: 'hold' | 'reacquired', booking: SagaBooking, deps: EffectDeps): Result {
  return [{ type: 'booking-confirmed', by }, ...issued(booking, deps)];
}

/** Only a hold that ran out is taken again: who cancelled and then paid wants the money back. */
async function reacquireSeats(saga: Parameters<Effect>[0], deps: EffectDeps): Promise<Result> {
  const { booking } = saga;
  const { status } = await present(deps, booking);
  if (status === 'confirmed') return confirmed('reacquired', booking, deps);
  if (status !== 'expired') return { type: 'seats-refused', reason: `booking_${status}` };
  const moved = await ask(deps, saga, (zone, asked) => reacquire(zone, booking, asked));
  if (moved === 'applied') return confirmed('reacquired', booking, deps);
  // Refused perhaps because an earlier try, whose answer was lost, has the seats: that must not end in a refund.
  const after = await present(deps, booking);
  if (after.status === 'confirmed') return confirmed('reacquired', booking, deps);
  return { type: 'seats-refused', reason: moved === 'over-limit' ? 'max_per_user' : 'sold_out' };
}

/** Only of sagas that earlier builds left here: by now tickets are issued with the confirmation. */
async function issueTickets({ booking }: Parameters<Effect>[0], deps: EffectDeps): Promise<Result> {
  return issued(booking, deps);
}

function issued({ quantity, zoneId, userId }: SagaBooking, { world }: EffectDeps): readonly News[] {
  const codes = Array.from({ length: quantity }, () => world.ids.next().replaceAll('-', ''));
  return [{ type: 'tickets-issued', zoneId, userId, codes }, { type: 'notified' }];
}

/** Only of such sagas, too: their command is in the event log since their tickets were issued. */
async function sendNotification(): Promise<News> {
  return { type: 'notified' };
}

async function refundPayment(
  { booking, payment, refundReason }: Parameters<Effect>[0],
  deps: EffectDeps,
): Promise<News> {
  const { paymentId, provider, intentId, capturedMinor } = known(payment);
  if (!intentId) throw new Error('a refund needs an intent');
  const idempotencyKey = `booking:${booking.bookingId}:refund:${paymentId}`;
  const refundId = await refundOnce(providerOf(deps.providers, provider), {
    intentId,
    amountMinor: capturedMinor,
    idempotencyKey,
  });
  return { type: 'refund-settled', paymentId, amountMinor: capturedMinor, refundId, reason: refundReason };
}

/** A provider forgets keys after a day, and then refuses to return what it has returned before. */
async function refundOnce(provider: PaymentProvider, request: RefundRequest): Promise<string> {
  try {
    return (await provider.refund(request)).refundId;
  } catch (error) {
    if (!(error instanceof ProviderRefused)) throw error;
    const { refundedMinor } = await provider.readIntent(request.intentId);
    if (refundedMinor < request.amountMinor) throw error;
    return `an earlier refund of ${request.intentId}`;
  }
}

/** The booking ends here, before its money moves: nobody ever has both. */
async function returnSeats(saga: Parameters<Effect>[0], deps: EffectDeps): Promise<News> {
  const { booking, refunds } = saga;
  const { amountMinor } = lastOf(refunds);
  const { status } = await present(deps, booking);
  if (status === 'confirmed') {
    const moved = await ask(deps, saga, (zone, asked) => refundSeats(zone, booking, asked));
    if (moved !== 'applied' && (await present(deps, booking)).status === 'confirmed')
      throw new Error('the seats are sold in the truth but not in the gate');
  } else if (status !== 'refunded') throw new Error(`a booking that is ${status} has no seats to return`);
  return { type: 'seats-returned', owedMinor: amountMinor };
}

/**
 * Looks before it pays: after a day the provider has forgotten the key of an earlier try, and would pay twice. What
 * somebody gave back at the provider itself counts as given back.
 */
async function returnMoney({ booking, payment, refunds, refundedMinor }: Parameters<Effect>[0], deps: EffectDeps) {
  const { provider, intentId } = known(payment);
  if (!intentId) throw new Error('a refund needs an intent');
  const refund = lastOf(refunds);
  const { amountMinor } = refund;
  const found = await providerOf(deps.providers, provider).readIntent(intentId);
  if (found.refundedMinor >= refundedMinor + amountMinor)
    return { type: 'money-returned', ...refund, refundId: `an earlier refund of ${intentId}` } satisfies News;
  const idempotencyKey = `booking:${booking.bookingId}:refund:${refund.paymentId}:${refund.refund}`;
  const { refundId } = await providerOf(deps.providers, provider).refund({
    intentId,
    amountMinor,
    idempotencyKey,
    refundedBeforeMinor: refundedMinor,
  });
  return { type: 'money-returned', ...refund, refundId } satisfies News;
}

function lastOf(refunds: readonly Refund[]): Refund {
  const refund = refunds.at(-1);
  if (!refund) throw new Error('the step needs a refund');
  return refund;
}

async function writeOffBooking(saga: Parameters<Effect>[0], deps: EffectDeps): Promise<News> {
  const { booking } = saga;
  const { status } = await present(deps, booking);
  if (status === 'expired' || status === 'cancelled')
    await ask(deps, saga, (zone, asked) => writeOff(zone, booking.bookingId, asked));
  return { type: 'written-off' };
}

async function present(deps: EffectDeps, { eventId, bookingId }: SagaBooking): Promise<Booking> {
  const booking = await deps.bookings.find(eventId, bookingId);
  if (!booking) throw new Error(`booking ${bookingId} is not in the truth`);
  return booking;
}

function known(payment: SagaPayment | null): SagaPayment {
  if (!payment) throw new Error('the step needs a payment');
  return payment;
}

function ask(
  { world, zoneOf }: EffectDeps,
  { booking, traceparent }: Parameters<Effect>[0],
  send: (zone: ZoneAddress, asked: Omit<MoveRequest, 'kind' | 'bookingId'>) => void,
): Promise<Moved> {
  return new Promise((resolve, reject) => {
    const reply = (outcome: Outcome<Moved>) => {
      if (outcome.ok) resolve(outcome.value);
      else reject(new Error(`the zone answered ${outcome.rejection.code}`));
    };
    send(zoneOf(booking.zoneId), { deadlineMs: world.clock.now() + zoneDeadlineMs, traceparent, reply });
  });
}
