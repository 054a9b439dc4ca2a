/** Payments as the API shows them. */
import { z } from 'zod';
import { providerNames } from '../engine/payment.ts';

export const provider = z.enum(providerNames);

/** A payment that waits for its buyer. */
export const begunPaymentView = z.object({
  payment_id: z.uuid(),
  booking_id: z.uuid(),
  provider,
  client_secret: z.string().optional().describe('with it a page of ours lets the buyer pay'),
  card_url: z
    .url()
    .nullable()
    .optional()
    .describe("where a browser confirms a test card; null: only the provider's own form takes cards"),
  redirect_url: z.url().optional().describe("the provider's own page, where the buyer pays"),
  amount: z.int().describe('in the minor unit of the currency'),
  currency: z.string().length(3),
  status: z.literal('pending'),
});
