/** Payments as the API shows them. */
import { z } from 'zod';

export const provider = z.enum(['stripe']);

/** A payment that waits for its buyer. */
export const begunPaymentView = z.object({
  payment_id: z.uuid(),
  booking_id: z.uuid(),
  provider,
  client_secret: z.string(),
  card_url: z
    .url()
    .nullable()
    .describe("where a browser confirms a test card; null: only the provider's own form takes cards"),
  amount: z.int().describe('in the minor unit of the currency'),
  currency: z.string().length(3),
  status: z.literal('pending'),
});
