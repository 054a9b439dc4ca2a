/** A buyer's bookings after they were reserved: reading, settling, cancelling. */
import { z } from 'zod';
import { cancel as cancelIn, type Moved } from '../../actors/zone-requests.ts';
import type { Booking } from '../../engine/booking.ts';
import { type Outcome, type Refused, type RejectionCode, reject } from '../../engine/outcome.ts';
import { bookingView, timeText, viewBooking } from '../booking-view.ts';
import type { Deps } from '../deps.ts';
import { refundByPolicy } from '../refund-desk.ts';
import { defineRoute, type Route } from '../route.ts';

const area = 'Bookings';
const params = z.object({ id: z.uuid() });
/** So that a page counts down by our clock, whatever its own shows. */
const serverTime = z.object({ server_time: z.iso.datetime() });
const cancelWithinMs = 3_000;

const list = defineRoute({
  method: 'GET',
  path: '/api/v1/bookings',
  area,
  summary: 'My bookings, the newest first',
  who: 'user',
  limit: 'general',
  query: z.object({ limit: z.coerce.number().int().min(1).max(100).default(20), cursor: z.uuid().optional() }),
  answers: { 200: z.array(bookingView) },
  meta: z.object({ next_cursor: z.string().nullable() }),
  async handle(call, { bookings }) {
    const page = await bookings.list(call.user.id, { limit: call.query.limit, cursor: call.query.cursor ?? null });
    call.reply(200, page.items.map(viewBooking), { next_cursor: page.nextCursor });
  },
});

const pending = defineRoute({
  method: 'GET',
  path: '/api/v1/bookings/pending',
  area,
  summary: 'My holds that can still be paid, the most urgent first',
  who: 'user',
  limit: 'general',
  answers: { 200: z.array(bookingView) },
  async handle(call, { bookings, clock }) {
    call.reply(200, (await bookings.pending(call.user.id, clock.now())).map(viewBooking));
  },
});

const summary = defineRoute({
  method: 'GET',
  path: '/api/v1/bookings/summary',
  area,
  summary: 'How many seats of an event I hold and own, and how many more I may take',
  who: 'user',
  limit: 'general',
  query: z.object({ event_id: z.uuid() }),
  answers: { 200: z.object({ booked_count: z.int(), max_allowed: z.int(), remaining_slots: z.int() }) },
  refusals: ['NOT_FOUND'],
  async handle(call, { bookings }) {
    const seats = await bookings.seatsOfUser(call.user.id, call.query.event_id);
    if (!seats) {
      call.refuse({ code: 'NOT_FOUND' });
      return;
    }
    const { bookedCount, maxAllowed } = seats;
    call.reply(200, {
      booked_count: bookedCount,
      max_allowed: maxAllowed,
      remaining_slots: Math.max(0, maxAllowed - bookedCount),
    });
  },
});

const read = defineRoute({
  method: 'GET',
  path: '/api/v1/bookings/:id',
  area,
  summary: 'One of my bookings',
  who: 'user',
  limit: 'general',
  params,
  answers: { 200: bookingView },
  meta: serverTime,
  refusals: ['NOT_FOUND'],
  async handle(call, { bookings, clock }) {
    const booking = await bookings.findOwned(call.user.id, call.params.id);
    if (booking) call.reply(200, viewBooking(booking), { server_time: timeText(clock.now()) });
    else call.refuse({ code: 'NOT_FOUND' });
  },
});

const timeline = defineRoute({
  method: 'GET',
  path: '/api/v1/bookings/:id/timeline',
  area,
  summary: 'What happened to a booking: every step of its saga, every attempt to pay',
  who: 'user',
  limit: 'general',
  params,
  answers: {
    200: z.array(z.object({ at: z.iso.datetime(), what: z.string(), details: z.record(z.string(), z.unknown()) })),
  },
  refusals: ['NOT_FOUND'],
  async handle(call, { bookings }) {
    const booking = await bookings.findOwned(call.user.id, call.params.id);
    if (!booking) {
      call.refuse({ code: 'NOT_FOUND' });
      return;
    }
    const entries = await bookings.timeline(booking);
    call.reply(
      200,
      entries.map(({ atMs, what, details }) => ({ at: timeText(atMs), what, details })),
    );
  },
});

const confirm = defineRoute({
  method: 'POST',
  path: '/api/v1/bookings/:id/confirm',
  area,
  summary: 'Settle now: a free booking is confirmed, a paid one is looked up at the provider. Safe to repeat',
  who: 'user',
  limit: 'general',
  params,
  answers: { 200: bookingView },
  refusals: ['NOT_FOUND', 'PAYMENT_FAILED', 'INVALID_STATE', 'RESERVATION_EXPIRED', 'SERVICE_UNAVAILABLE'],
  async handle(call, deps) {
    const booking = await deps.bookings.findOwned(call.user.id, call.params.id);
    const outcome = await settle(deps, booking, call.traceparent);
    if (outcome.ok) call.reply(200, viewBooking(outcome.value));
    else call.refuse(outcome.rejection);
  },
});

async function settle(
  { bookings, settleBooking }: Deps,
  booking: Booking | null,
  traceparent: string | undefined,
): Promise<Outcome<Booking>> {
  if (!booking) return reject('NOT_FOUND');
  if (booking.status === 'confirmed') return { ok: true, value: booking };
  const outcome = await settleBooking(booking, traceparent);
  const settled = await bookings.findOwned(booking.userId, booking.bookingId);
  if (!settled) return reject('NOT_FOUND');
  return outcome.ok ? { ok: true, value: settled } : (whyUnsettled(settled, outcome.rejection.code) ?? outcome);
}

/** A payment that was not made matters no more once the seats are gone. Null: the saga's own answer says best. */
function whyUnsettled({ status }: Booking, code: RejectionCode): Refused | null {
  if (code !== 'INVALID_STATE' && code !== 'PAYMENT_FAILED') return null;
  if (status === 'expired') return reject('RESERVATION_EXPIRED');
  return status === 'cancelled' ? reject('INVALID_STATE', { status }, 'the seats were given back') : null;
}

const cancel = defineRoute({
  method: 'POST',
  path: '/api/v1/bookings/:id/cancel',
  area,
  summary: 'Give held seats back at once, or a confirmed booking for what the refund policy gives. Safe to repeat',
  who: 'user',
  limit: 'general',
  params,
  answers: {
    200: bookingView.extend({
      refund_amount: z.int().describe('what goes back of the money, in the minor unit; 0 when nothing was paid'),
    }),
  },
  refusals: ['NOT_FOUND', 'INVALID_STATE', 'RESERVATION_EXPIRED', 'SERVICE_UNAVAILABLE'],
  async handle(call, deps) {
    const booking = await deps.bookings.findOwned(call.user.id, call.params.id);
    const sold = booking?.status === 'confirmed' || booking?.status === 'refunded';
    const { traceparent } = call;
    const outcome = await (sold ? giveBack(deps, booking, traceparent) : release(deps, booking, traceparent));
    if (outcome.ok)
      call.reply(200, { ...viewBooking(outcome.value.booking), refund_amount: outcome.value.refundMinor });
    else call.refuse(outcome.rejection);
  },
});

interface Cancelled {
  readonly booking: Booking;
  readonly refundMinor: number;
}

/** The seats are back when this is accepted; the money follows. */
async function giveBack(deps: Deps, booking: Booking, traceparent: string | undefined): Promise<Outcome<Cancelled>> {
  const outcome = await refundByPolicy(deps, booking, traceparent);
  if (!outcome.ok) return outcome;
  const now = await deps.bookings.findOwned(booking.userId, booking.bookingId);
  return now ? { ok: true, value: { booking: now, refundMinor: outcome.value.amountMinor } } : reject('NOT_FOUND');
}

async function release(
  deps: Deps,
  booking: Booking | null,
  traceparent: string | undefined,
): Promise<Outcome<Cancelled>> {
  if (!booking) return reject('NOT_FOUND');
  if (booking.status === 'reserved') {
    const moved = await new Promise<Outcome<Moved>>((reply) => {
      cancelIn(deps.zoneOf(booking.zoneId), booking.bookingId, {
        deadlineMs: deps.clock.now() + cancelWithinMs,
        traceparent,
        reply,
      });
    });
    if (!moved.ok) return moved;
  }
  const now = await deps.bookings.findOwned(booking.userId, booking.bookingId);
  switch (now?.status) {
    case 'cancelled':
      deps.endHold(now, 'cancelled');
      return { ok: true, value: { booking: now, refundMinor: 0 } };
    case 'expired':
      return reject('RESERVATION_EXPIRED');
    default:
      return reject('INVALID_STATE', { status: now?.status }, 'the booking was settled meanwhile');
  }
}

export const bookingRoutes: readonly Route[] = [list, pending, summary, read, timeline, confirm, cancel];
