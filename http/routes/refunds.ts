/** Giving money back: by the event's policy to who bought, at will by who organizes. */
import { z } from 'zod';
import type { Outcome } from '../../engine/outcome.ts';
import { reject } from '../../engine/outcome.ts';
import type { Refund } from '../../engine/saga-events.ts';
import type { User } from '../auth.ts';
import type { Deps } from '../deps.ts';
import { refundByOrganizer, refundByPolicy } from '../refund-desk.ts';
import { defineRoute, type Route } from '../route.ts';

interface Asked {
  readonly paymentId: string;
  readonly amountMinor: number | null;
  readonly key: string | null;
  readonly traceparent: string | undefined;
}

const refund = defineRoute({
  method: 'POST',
  path: '/api/v1/payments/:id/refund',
  area: 'Payments',
  summary:
    'Give money back. Who bought ends the booking for what the policy gives; who organizes may return any part (with an ' +
    'Idempotency-Key), and returning all that is left ends the booking. Seats and tickets of an ended booking go',
  who: 'user',
  reachesOthers: true,
  limit: 'general',
  params: z.object({ id: z.uuid() }),
  headers: z.object({ 'idempotency-key': z.string().min(1).max(255).optional() }),
  body: z.strictObject({
    amount: z.int().positive().optional().describe('in the minor unit; absent: all that is left'),
  }),
  answers: {
    200: z.object({
      payment_id: z.uuid(),
      amount: z.int().describe('what goes back with this refund, in the minor unit'),
      withheld: z.int().describe('what the policy keeps'),
      reason: z.string(),
      booking_ends: z.boolean(),
    }),
  },
  refusals: [
    'NOT_FOUND',
    'FORBIDDEN',
    'INVALID_STATE',
    'IDEMPOTENCY_KEY_REQUIRED',
    'IDEMPOTENCY_MISMATCH',
    'SERVICE_UNAVAILABLE',
  ],
  async handle(call, deps) {
    const asked = {
      paymentId: call.params.id,
      amountMinor: call.body.amount ?? null,
      key: call.headers['idempotency-key'] ?? null,
      traceparent: call.traceparent,
    };
    const outcome = await order(deps, call.user, asked);
    if (!outcome.ok) {
      call.refuse(outcome.rejection);
      return;
    }
    const { amountMinor, withheldMinor, reason, ends } = outcome.value;
    call.reply(200, {
      payment_id: asked.paymentId,
      amount: amountMinor,
      withheld: withheldMinor,
      reason,
      booking_ends: ends,
    });
  },
});

async function order(
  deps: Deps,
  user: User,
  { paymentId, amountMinor, key, traceparent }: Asked,
): Promise<Outcome<Refund>> {
  const managed = user.role === 'user' ? null : await deps.refunds.findManaged(user.id, paymentId);
  if (managed) {
    if (amountMinor !== null && key === null) return reject('IDEMPOTENCY_KEY_REQUIRED');
    return refundByOrganizer(deps, managed, { amountMinor, key, traceparent });
  }
  const payment = await deps.payments.findOwned(user.id, paymentId);
  const booking = payment && (await deps.bookings.findOwned(user.id, payment.bookingId));
  if (!booking) return reject('NOT_FOUND');
  if (amountMinor !== null) return reject('FORBIDDEN', undefined, 'only the organizer may choose the amount');
  return refundByPolicy(deps, booking, traceparent);
}

export const refundRoutes: readonly Route[] = [refund];
