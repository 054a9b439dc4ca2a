/** Tickets as the API shows them. */
import { z } from 'zod';

export const ticketView = z.object({
  code: z.string(),
  zone_id: z.uuid(),
  number: z.int(),
  issued_at: z.iso.datetime(),
  qr: z
    .string()
    .describe('the text inside the QR code: a compact JWS (Ed25519), to be checked with /.well-known/jwks.json'),
  qr_svg: z.string().describe('path of the QR code as an image'),
});
