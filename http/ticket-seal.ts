/**
 * The signed text inside a ticket's QR code: a compact JWS (RFC 7515) over the ticket, Ed25519, so that a scanner with
 * the public key of /.well-known/jwks.json can check it without a network. Its `typ` is its own: it opens no API.
 */
import { CompactSign, calculateJwkThumbprint, compactVerify, exportJWK, importJWK, type JWK } from 'jose';
import type { Ticket } from '../engine/reads.ts';

const kind = 'onsale-ticket+jws';
const algorithm = 'EdDSA';

export interface TicketSeal {
  seal(ticket: Ticket): Promise<string>;
  /** The ticket's code, or null when the text is not sealed by us. */
  open(sealed: string): Promise<string | null>;
  readonly jwks: { readonly keys: readonly object[] };
}

/** `privateJwk`: an Ed25519 private key as JSON Web Key text (RFC 8037). Throws when it is none. */
export async function createTicketSeal(privateJwk: string): Promise<TicketSeal> {
  const jwk = JSON.parse(privateJwk) as JWK;
  if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519' || !jwk.d)
    throw new Error('the ticket key must be an Ed25519 private key as a JWK');
  const { d: _secret, ...publicJwk } = jwk;
  const kid = await calculateJwkThumbprint(publicJwk);
  const signingKey = await importJWK(jwk, algorithm);
  const checkingKey = await importJWK(publicJwk, algorithm);
  return {
    seal: ({ code, eventId, zoneId, bookingId, number }) =>
      new CompactSign(
        Buffer.from(JSON.stringify({ code, event_id: eventId, zone_id: zoneId, booking_id: bookingId, number })),
      )
        .setProtectedHeader({ alg: algorithm, typ: kind, kid })
        .sign(signingKey),
    async open(sealed) {
      try {
        const { payload, protectedHeader } = await compactVerify(sealed, checkingKey, { algorithms: [algorithm] });
        return protectedHeader.typ === kind ? JSON.parse(Buffer.from(payload).toString()).code : null;
      } catch {
        return null;
      }
    },
    jwks: { keys: [{ ...(await exportJWK(checkingKey)), kid, alg: algorithm, use: 'sig' }] },
  };
}
