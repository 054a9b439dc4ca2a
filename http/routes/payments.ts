/** Paying for a booking, and hearing from the provider. */
import { z } from 'zod';
import { reject } from '../../engine/outcome.ts';
import { type PaymentProvider, takesCurrency } from '../../engine/payment.ts';
import { timeText } from '../booking-view.ts';
import type { Deps } from '../deps.ts';
import { takeNotice } from '../notice-desk.ts';
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
  body: z.strictObject({
    booking_id: z.uuid(),
    provider: provider.default('stripe'),
    return_url: z.url().optional().describe("where the buyer goes after the provider's page: an address of ours"),
  }),
  answers: {
    201: begunPaymentView,
  },
  refusals: ['NOT_FOUND', 'INVALID_STATE', 'RESERVATION_EXPIRED', 'SERVICE_UNAVAILABLE'],
  async handle(call, { bookings, beginPayment, providers, cardBase, returnOrigins }) {
    const { booking_id, provider, return_url: returnUrl } = call.body;
    if (!providers[provider]) {
      call.refuse({ code: 'VALIDATION_ERROR', details: { provider: 'is not offered here' } });
      return;
    }
    if (returnUrl !== undefined && provider !== 'stripe' && !returnOrigins().has(new URL(returnUrl).origin)) {
      call.refuse({ code: 'VALIDATION_ERROR', details: { return_url: 'is of an origin that may not be returned to' } });
      return;
    }
    const booking = await bookings.findOwned(call.user.id, booking_id);
    if (!booking) {
      call.refuse({ code: 'NOT_FOUND' });
      return;
    }
    if (!takesCurrency(provider, booking.currency)) {
      call.refuse({ code: 'VALIDATION_ERROR', details: { provider: `takes no ${booking.currency}` } });
      return;
    }
    const outcome = await beginPayment(booking, { provider, returnUrl, traceparent: call.traceparent });
    if (!outcome.ok) {
      call.refuse(outcome.rejection);
      return;
    }
    const { paymentId, clientSecret, redirectUrl, amountMinor, currency } = outcome.value;
    call.reply(201, {
      payment_id: paymentId,
      booking_id,
      // Of the live payment, which may have been begun with another provider than was asked for now.
      provider: outcome.value.provider,
      ...(clientSecret === null ? {} : { client_secret: clientSecret, card_url: cardUrl(cardBase, clientSecret) }),
      ...(redirectUrl === null ? {} : { redirect_url: redirectUrl }),
      amount: amountMinor,
      currency,
      status: 'pending',
    });
  },
});

/** Where the sandbox takes a card for the intent of this secret; null when there is no sandbox. */
const cardUrl = (cardBase: string | null, clientSecret: string): string | null =>
  cardBase && `${cardBase}/v1/payment_intents/${clientSecret.split('_secret')[0]}/confirm`;

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
  summary: 'A notice of a payment provider: checked by its signature, stored, then acknowledged in its own words',
  who: 'provider',
  limit: null,
  params: z.object({ provider: z.string() }),
  headers: z.object({ 'stripe-signature': z.string().default('') }),
  body: 'raw',
  bodyBytesMax: noticeBytesMax,
  answers: { 200: z.object({ received: z.literal(true) }) },
  refusals: ['NOT_FOUND', 'UNAUTHORIZED'],
  async handle(call, deps) {
    const sender = senderOf(call.params.provider, deps);
    const signature = call.headers['stripe-signature'];
    if (sender) await takeNotice(call, { sender, rawBody: call.body, signature }, deps);
    else call.refuse({ code: 'NOT_FOUND' });
  },
});

/** Whatever parameters a provider sends: it signs them all, so its adapter must see them all. */
const anyQuery = z.object({}).catchall(z.string());

const notification = defineRoute({
  method: 'GET',
  path: '/api/v1/webhooks/vnpay',
  area,
  summary: "VNPay's notification of a payment, which is a GET: checked, stored, then acknowledged in its own words",
  who: 'provider',
  limit: null,
  query: anyQuery,
  answers: { 200: { mediaType: 'application/json' } },
  refusals: ['NOT_FOUND'],
  async handle(call, deps) {
    const sender = senderOf('vnpay', deps);
    const rawBody = Buffer.from(new URLSearchParams(call.query).toString());
    if (sender) await takeNotice(call, { sender, rawBody, signature: '' }, deps);
    else call.refuse({ code: 'NOT_FOUND' });
  },
});

function senderOf(name: string, { providers }: Deps): PaymentProvider | undefined {
  const known = provider.safeParse(name);
  return known.success ? providers[known.data] : undefined;
}

const comeBack = defineRoute({
  method: 'GET',
  path: '/api/v1/payments/return/:provider',
  area,
  summary: "Where a buyer's browser comes back to from a provider's page. Moves no money: the provider is asked",
  who: 'anyone',
  limit: 'general',
  params: z.object({ provider: z.string() }),
  query: anyQuery,
  answers: {
    200: z.object({ payment_id: z.uuid(), booking_id: z.uuid() }),
    303: { mediaType: 'text/plain' },
  },
  refusals: ['NOT_FOUND', 'UNAUTHORIZED'],
  async handle(call, deps) {
    const sender = senderOf(call.params.provider, deps);
    const returned = sender?.readReturn(call.query) ?? reject('NOT_FOUND');
    if (!returned.ok) {
      call.refuse(returned.rejection);
      return;
    }
    const order = sender && (await deps.payments.findOrder(sender.name, returned.value.intentId));
    if (!order) {
      call.refuse({ code: 'NOT_FOUND' });
      return;
    }
    const { paymentId: payment_id, bookingId: booking_id, returnUrl } = order;
    deps.lookAtPayment(booking_id);
    if (returnUrl === null) {
      call.reply(200, { payment_id, booking_id });
      return;
    }
    const next = new URL(returnUrl);
    next.searchParams.set('payment_id', payment_id);
    next.searchParams.set('booking_id', booking_id);
    call.header('Location', next.href);
    call.send(303, 'text/plain', '');
  },
});

export const paymentRoutes: readonly Route[] = [pay, comeBack, read, notification, webhook];
