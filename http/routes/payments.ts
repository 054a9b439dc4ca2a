/** Paying for a booking, and hearing from the provider. */
import { z } from 'zod';
import type { PaymentProvider } from '../../engine/payment.ts';
import { timeText } from '../booking-view.ts';
import { begunPaymentView, provider } from '../payment-view.ts';
import { defineRoute, type Route } from '../route.ts';

const area = 'Payments';
/** A provider's notice carries whole objects; ours are a few kilobytes. */
const noticeBytesMax = 262_144;

const pay = defineRoute({
  method: 'POST',
  path: '/api/v1/payments',
  area,
  summary: 'Begin to pay for a booking, or get the payment that is under way',
  who: 'user',
  limit: 'general',
  body: z.strictObject({ booking_id: z.uuid(), provider: provider.default('stripe'), return_url: z.url().optional() }),
  answers: {
    201: begunPaymentView,
  },
  refusals: ['NOT_FOUND', 'INVALID_STATE', 'RESERVATION_EXPIRED', 'SERVICE_UNAVAILABLE'],
  async handle(call, { bookings, beginPayment, cardBase }) {
    const { booking_id, provider } = call.body;
    const booking = await bookings.findOwned(call.user.id, booking_id);
    if (!booking) {
      call.refuse({ code: 'NOT_FOUND' });
      return;
    }
    const outcome = await beginPayment(booking, provider);
    if (!outcome.ok) {
      call.refuse(outcome.rejection);
      return;
    }
    const { paymentId, clientSecret, amountMinor, currency } = outcome.value;
    call.reply(201, {
      payment_id: paymentId,
      booking_id,
      provider,
      client_secret: clientSecret,
      card_url: cardBase && `${cardBase}/v1/payment_intents/${clientSecret.split('_secret')[0]}/confirm`,
      amount: amountMinor,
      currency,
      status: 'pending',
    });
  },
});

const read = defineRoute({
  method: 'GET',
  path: '/api/v1/payments/:id',
  area,
  summary: 'One of my payments',
  who: 'user',
  limit: 'general',
  params: z.object({ id: z.uuid() }),
  answers: {
    200: z.object({
      payment_id: z.uuid(),
      booking_id: z.uuid(),
      provider,
      amount: z.int(),
      currency: z.string().length(3),
      status: z.enum(['pending', 'succeeded', 'cancelled', 'refunding', 'refunded']),
      created_at: z.iso.datetime(),
    }),
  },
  refusals: ['NOT_FOUND'],
  async handle(call, { payments }) {
    const payment = await payments.findOwned(call.user.id, call.params.id);
    if (!payment) {
      call.refuse({ code: 'NOT_FOUND' });
      return;
    }
    const { paymentId, bookingId, provider, amountMinor, currency, status, createdAtMs } = payment;
    call.reply(200, {
      payment_id: paymentId,
      booking_id: bookingId,
      provider,
      amount: amountMinor,
      currency,
      status,
      created_at: timeText(createdAtMs),
    });
  },
});

const webhook = defineRoute({
  method: 'POST',
  path: '/api/v1/webhooks/:provider',
  area,
  summary: 'A notice of a payment provider: checked by its signature, stored, then acknowledged',
  who: 'provider',
  limit: null,
  params: z.object({ provider: z.string() }),
  headers: z.object({ 'stripe-signature': z.string().default('') }),
  body: 'raw',
  bodyBytesMax: noticeBytesMax,
  answers: { 200: z.object({ received: z.literal(true) }) },
  refusals: ['NOT_FOUND', 'UNAUTHORIZED'],
  async handle(call, deps) {
    const known = provider.safeParse(call.params.provider);
    if (!known.success) {
      call.refuse({ code: 'NOT_FOUND' });
      return;
    }
    const sender: PaymentProvider = deps.providers[known.data];
    const receivedAtMs = deps.clock.now();
    const notice = sender.readNotice(call.body, call.headers['stripe-signature'], receivedAtMs);
    if (!notice.ok) {
      call.refuse(notice.rejection);
      return;
    }
    await deps.storeNotice({ provider: known.data, notice: notice.value, rawBody: call.body, receivedAtMs });
    call.reply(200, { received: true });
  },
});

export const paymentRoutes: readonly Route[] = [pay, read, webhook];
