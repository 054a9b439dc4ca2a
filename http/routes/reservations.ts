/** POST /bookings/reserve: the hot path. Everything that needs no store is checked here; the zone decides the rest. */
import { hash } from 'node:crypto';
import { z } from 'zod';
import { type Reservation, reserve as reserveIn } from '../../actors/zone-requests.ts';
import type { SaleZone } from '../../engine/catalogue.ts';
import { type Outcome, type Rejection, reject } from '../../engine/outcome.ts';
import { reservationView, timeText } from '../booking-view.ts';
import type { Deps } from '../deps.ts';
import { type AnyCall, defineRoute, type Route } from '../route.ts';

/** How long a reservation may wait for its zone to begin. */
const beginWithinMs = 3_000;
/** More seats than this in one reservation is a mistake, whatever the event allows. */
const quantityMax = 1_000;
const keyCharsMax = 255;

const body = z
  .strictObject({
    event_id: z.uuid(),
    show_id: z.uuid().optional(),
    zone_id: z.uuid(),
    quantity: z.int().min(1).max(quantityMax),
    unit_price: z.unknown().optional().describe('ignored: prices come from the zone'),
  })
  // Bodies that are the same are read once (http/json-body.ts), and so is this made once for a crowd.
  .transform((asked) => ({
    ...asked,
    fingerprint: hash16(`${asked.event_id}\n${asked.zone_id}\n${asked.quantity}`),
  }));

const reserve = defineRoute({
  method: 'POST',
  path: '/api/v1/bookings/reserve',
  area: 'Bookings',
  summary: 'Hold seats; the answer is sent when the hold is durable',
  who: 'user',
  limit: 'reserve',
  isCrowded: true,
  refused: (deps, code) => deps.reservationAnswered(code),
  // A pass holder is not limited: the waiting room has done that already.
  isExempt: ({ 'x-queue-pass': pass }, userId, { passDesk }) => pass !== undefined && passDesk.holds(pass, userId),
  headers: z.object({
    'idempotency-key': z.string().optional(),
    'x-idempotency-key': z.string().optional(),
    'x-queue-pass': z.string().optional(),
  }),
  body,
  answers: { 201: reservationView },
  refusals: [
    'IDEMPOTENCY_KEY_REQUIRED',
    'IDEMPOTENCY_MISMATCH',
    'NOT_FOUND',
    'SALE_NOT_STARTED',
    'SALE_ENDED',
    'QUEUE_PASS_REQUIRED',
    'QUEUE_PASS_INVALID',
    'INSUFFICIENT_STOCK',
    'MAX_PER_USER_EXCEEDED',
    'SERVICE_UNAVAILABLE',
  ],
  handle(call, deps) {
    const key = call.headers['idempotency-key'] || call.headers['x-idempotency-key'];
    const refusal = whyBadKey(key);
    if (refusal || !key) {
      call.refuse(refusal ?? { code: 'IDEMPOTENCY_KEY_REQUIRED' });
      return;
    }
    const wanted = { userId: call.user.id, key, pass: call.headers['x-queue-pass'], ...call.body };
    const known = deps.saleDesk.recall(wanted.zone_id);
    if (known !== undefined) {
      reserveOnSale(call, deps, known, wanted);
      return;
    }
    return deps.saleDesk.find(wanted.zone_id).then((zone) => reserveOnSale(call, deps, zone, wanted));
  },
});

interface Wanted extends z.output<typeof body> {
  readonly userId: string;
  readonly key: string;
  readonly pass: string | undefined;
}

function whyBadKey(key: string | undefined): Rejection | null {
  if (!key) return { code: 'IDEMPOTENCY_KEY_REQUIRED' };
  if (key.length <= keyCharsMax) return null;
  return { code: 'VALIDATION_ERROR', details: { 'idempotency-key': `at most ${keyCharsMax} characters` } };
}

function reserveOnSale(call: AnyCall, deps: Deps, zone: SaleZone | null, wanted: Wanted): void {
  const nowMs = deps.clock.now();
  const refused = whyNotOnSale(zone, wanted, nowMs);
  if (refused) {
    answered(call, deps, refused);
    return;
  }
  const { userId, key, event_id, zone_id, quantity, fingerprint, pass } = wanted;
  const ownKey = hash16(`${userId}\n${key}`);
  const answer = (outcome: Outcome<Reservation>) => answered(call, deps, outcome);
  const hold = (reply: typeof answer) =>
    reserveIn(deps.zoneOf(zone_id), {
      userId,
      key: ownKey,
      fingerprint,
      quantity,
      deadlineMs: nowMs + beginWithinMs,
      traceparent: call.traceparent,
      reply,
    });
  if (zone?.waitingRoom === 'off') hold(answer);
  else deps.passDesk.enter({ token: pass, userId, eventId: event_id, key: ownKey }, hold, answer);
}

/** The first 128 bits of SHA-256. */
function hash16(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}

function whyNotOnSale(zone: SaleZone | null, wanted: Wanted, nowMs: number): Outcome<never> | null {
  if (!zone?.published || zone.eventId !== wanted.event_id) return reject('NOT_FOUND');
  if (wanted.show_id && wanted.show_id !== zone.showId) return reject('NOT_FOUND');
  if (nowMs < zone.saleStartMs) return reject('SALE_NOT_STARTED', { sale_start_at: timeText(zone.saleStartMs) });
  if (nowMs >= zone.saleEndMs) return reject('SALE_ENDED');
  if (zone.kind === 'seated')
    return reject('VALIDATION_ERROR', {
      zone_id: 'seats of this zone are chosen one by one, which is not possible yet',
    });
  return null;
}

function answered(call: AnyCall, deps: Deps, outcome: Outcome<Reservation>): void {
  if (!outcome.ok) {
    call.refuse(outcome.rejection);
    return;
  }
  const { value } = outcome;
  deps.reservationAnswered(value.replayed ? 'replayed' : 'reserved');
  if (value.replayed) call.header('Idempotency-Replayed', 'true');
  call.replyBytes(201, answerText(value));
}

/** Follows from the reservation alone, so that a replay is the same to the byte. */
function answerText(held: Reservation): string {
  if (!isLike(held, like)) {
    like = held;
    likeText = `","status":"reserved","event_id":"${held.eventId}","zone_id":"${held.zoneId}","quantity":${held.quantity},"seats":null,"total_amount":${held.amountMinor},"currency":"${held.currency}","expires_at":"${timeText(held.expiresAtMs)}","expires_in_ms":${held.expiresAtMs - held.createdAtMs},"server_time":"${timeText(held.createdAtMs)}"}}`;
  }
  return `{"success":true,"data":{"booking_id":"${held.bookingId}${likeText}`;
}

/** The last that was answered, and all of its text but the booking: most of a batch differ in nothing else. */
let like: Reservation | null = null;
let likeText = '';

function isLike(a: Reservation, b: Reservation | null): boolean {
  return (
    a.zoneId === b?.zoneId &&
    a.eventId === b.eventId &&
    a.quantity === b.quantity &&
    a.amountMinor === b.amountMinor &&
    a.currency === b.currency &&
    a.createdAtMs === b.createdAtMs &&
    a.expiresAtMs === b.expiresAtMs
  );
}

export const reservationRoutes: readonly Route[] = [reserve];
