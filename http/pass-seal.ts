/**
 * Passes of the waiting room as tokens: signing, checking, and remembering what was checked. A JWT, EdDSA over Ed25519,
 * with kind, audience, issuer and algorithm pinned: an access token is no pass, and a pass opens nothing but the sale.
 *
 * A token only proves that the room gave this pass to this user for this event. Whether it was used is the room's to
 * say (actors/waiting-room-requests.ts).
 */
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { PassTerms } from '../actors/waiting-room-requests.ts';
import type { Clock } from '../engine/ports.ts';
import { RecentMap } from './recent-map.ts';
import { algorithm, type SigningKeys } from './signing-keys.ts';

const kind = 'onsale-pass+jwt';
const issuer = 'onsale';
const audience = 'onsale-sale';
/** Nodes of one cluster may disagree by this much about the time. */
const clockToleranceSeconds = 5;
/** Passes remembered, each with its token: some 600 bytes. */
const rememberedMax = 20_000;

export type CheckedPass =
  | { readonly ok: true; readonly pass: PassTerms }
  | { readonly ok: false; readonly reason: 'forged' | 'expired' };

export interface PassSeal {
  /** The same terms give the same token. */
  seal(pass: PassTerms): Promise<string>;
  /** What was found of a token that was good before; undefined when it must be checked. Synchronous. */
  recall(token: string): CheckedPass | undefined;
  check(token: string): Promise<CheckedPass>;
}

const claims = z.object({ sub: z.uuid(), event_id: z.uuid(), jti: z.string().regex(/^\d{1,15}$/), exp: z.number() });

export function createPassSeal(keys: SigningKeys, clock: Clock): PassSeal {
  const { kid, key } = keys.signing;
  const remembered = new RecentMap<string, PassTerms>(rememberedMax);

  const stillGood = (pass: PassTerms): CheckedPass =>
    clock.now() < pass.endsAtMs + clockToleranceSeconds * 1000 ? { ok: true, pass } : { ok: false, reason: 'expired' };

  return {
    seal: ({ userId, eventId, admission, endsAtMs }) =>
      new SignJWT({ event_id: eventId })
        .setProtectedHeader({ alg: algorithm, typ: kind, kid })
        .setSubject(userId)
        .setJti(String(admission))
        .setIssuer(issuer)
        .setAudience(audience)
        .setExpirationTime(Math.ceil(endsAtMs / 1000))
        .sign(key),
    recall(token) {
      const pass = remembered.get(token);
      return pass && stillGood(pass);
    },
    async check(token) {
      try {
        const { payload } = await jwtVerify(token, (header) => checkingKey(keys, header.kid), {
          algorithms: [algorithm],
          typ: kind,
          issuer,
          audience,
          requiredClaims: ['exp', 'sub', 'jti'],
          clockTolerance: clockToleranceSeconds,
          currentDate: new Date(clock.now()),
        });
        const { sub, event_id, jti, exp } = claims.parse(payload);
        const pass = { userId: sub, eventId: event_id, admission: Number(jti), endsAtMs: exp * 1000 };
        remembered.set(token, pass);
        return { ok: true, pass };
      } catch (error) {
        if (error instanceof errors.JWTExpired) return { ok: false, reason: 'expired' };
        if (error instanceof errors.JOSEError || error instanceof z.ZodError) return { ok: false, reason: 'forged' };
        throw error;
      }
    },
  };
}

function checkingKey(keys: SigningKeys, kid: string | undefined) {
  const key = keys.checking(kid);
  if (!key) throw new errors.JWSSignatureVerificationFailed();
  return key;
}
