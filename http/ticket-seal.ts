/**
 * The signed text inside a ticket's QR code: a compact JWS (RFC 7515) over the ticket, Ed25519, so that a scanner with
 * the public keys of /.well-known/jwks.json can check it without a network. Its `typ` is its own: it opens no API.
 */
import { CompactSign, compactVerify } from 'jose';
import type { Ticket } from '../engine/reads.ts';
import { algorithm, type SigningKeys } from './signing-keys.ts';

const kind = 'onsale-ticket+jws';

export interface TicketSeal {
  seal(ticket: Ticket): Promise<string>;
  /** The ticket's code, or null when the text is not sealed by us. */
  open(sealed: string): Promise<string | null>;
}

export function createTicketSeal(keys: SigningKeys): TicketSeal {
  const { kid, key } = keys.signing;
  return {
    seal: ({ code, eventId, zoneId, bookingId, number }) =>
      new CompactSign(
        Buffer.from(JSON.stringify({ code, event_id: eventId, zone_id: zoneId, booking_id: bookingId, number })),
      )
        .setProtectedHeader({ alg: algorithm, typ: kind, kid })
        .sign(key),
    async open(sealed) {
      try {
        const { payload, protectedHeader } = await compactVerify(sealed, (header) => keyOf(keys, header.kid), {
          algorithms: [algorithm],
        });
        return protectedHeader.typ === kind ? JSON.parse(Buffer.from(payload).toString()).code : null;
      } catch {
        return null;
      }
    },
  };
}

function keyOf(keys: SigningKeys, kid: string | undefined) {
  const key = keys.checking(kid);
  if (!key) throw new Error('not a key of ours');
  return key;
}
