/**
 * Access tokens: signing, checking, and remembering what was checked. HS256 by jose, with kind, audience, issuer and
 * algorithm pinned, so that no other token of ours (queue pass, ticket) and no foreign one opens the API.
 */
import { webcrypto } from 'node:crypto';
import { type CryptoKey, errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { Role } from '../engine/accounts.ts';
import type { Clock, Ids } from '../engine/ports.ts';
import { RecentMap } from './recent-map.ts';

const { subtle } = webcrypto;
const kind = 'at+jwt';
const issuer = 'onsale';
const audience = 'onsale-api';
/** Nodes of one cluster may disagree by this much about the time. */
const clockToleranceSeconds = 5;
/** No token of ours lives longer than the 6 h that seeded load tests get. */
const maxTokenAge = '6h';
export const accessTtlSeconds = 15 * 60;
const secretBytesMin = 32;

/** Who calls: what a checked access token says. */
export interface User {
  readonly id: string;
  readonly role: Role;
  readonly tokenId: string;
}

export interface AccessTokens {
  /** The user of a token that was checked before and is still valid. Synchronous: this is the hot path. */
  recall(token: string): User | undefined;
  /** Checks a token. Null when it is not one of ours, was altered or has expired. */
  verify(token: string): Promise<User | null>;
  sign(user: { readonly id: string; readonly role: Role }): Promise<string>;
}

export interface AccessTokenOptions {
  /** At least 32 bytes as UTF-8. */
  readonly secret: string;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Tokens remembered. @default 200000, about 130 MB when full */
  readonly rememberedMax?: number;
}

const claimsSchema = z.object({
  sub: z.uuid(),
  jti: z.string().min(1),
  exp: z.number(),
  role: z.enum(['user', 'organizer', 'admin']),
});

interface Remembered {
  readonly token: string;
  readonly user: User;
  readonly expiresAtMs: number;
}

/** Throws when the secret is shorter than `secretBytesMin` bytes: jose would take five. */
export function createAccessTokens(options: AccessTokenOptions): AccessTokens {
  const { clock, ids, rememberedMax = 200_000 } = options;
  const key = signingKey(options.secret);
  // Found by its signature, taken only if all of it is the same text. Hashing it first would cost more than the rest of
  // the check and hide nothing: the secret that makes every token lies in the same memory.
  const remembered = new RecentMap<string, Remembered>(rememberedMax);

  return {
    recall(token) {
      const known = remembered.get(signatureOf(token));
      if (known === undefined || known.token !== token) return undefined;
      if (clock.now() < known.expiresAtMs) return known.user;
      remembered.delete(signatureOf(token));
      return undefined;
    },
    async verify(token) {
      const claims = await checkedClaims(token, await key, clock.now());
      if (claims === null) return null;
      const user = { id: claims.sub, role: claims.role, tokenId: claims.jti };
      remembered.set(signatureOf(token), { token, user, expiresAtMs: claims.exp * 1000 });
      return user;
    },
    sign: (user) =>
      signAccessToken(
        options.secret,
        { ...user, tokenId: ids.next() },
        { nowMs: clock.now(), ttlSeconds: accessTtlSeconds },
      ),
  };
}

/** Signs an access token for `user`. The secret must have at least 32 bytes. */
export async function signAccessToken(
  secret: string,
  user: User,
  life: { readonly nowMs: number; readonly ttlSeconds: number },
): Promise<string> {
  const issuedAtSeconds = Math.floor(life.nowMs / 1000);
  return new SignJWT({ role: user.role })
    .setProtectedHeader({ alg: 'HS256', typ: kind })
    .setSubject(user.id)
    .setJti(user.tokenId)
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(issuedAtSeconds)
    .setExpirationTime(issuedAtSeconds + life.ttlSeconds)
    .sign(await signingKey(secret));
}

/** HS256 signs with 32 bytes: 43 characters of base64url. */
const signatureOf = (token: string): string => token.slice(-43);

async function checkedClaims(
  token: string,
  key: CryptoKey,
  nowMs: number,
): Promise<z.output<typeof claimsSchema> | null> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      typ: kind,
      issuer,
      audience,
      requiredClaims: ['exp', 'sub', 'jti'],
      maxTokenAge,
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(nowMs),
    });
    return claimsSchema.safeParse(payload).data ?? null;
  } catch (error) {
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
}

let imported: { readonly secret: string; readonly key: Promise<CryptoKey> } | null = null;

/** Imported once: jose imports a secret given as bytes anew for every token, which more than doubles its cost. */
function signingKey(secret: string): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret);
  if (bytes.length < secretBytesMin)
    throw new Error(`the token secret has ${bytes.length} bytes; ${secretBytesMin} are needed`);
  if (imported?.secret !== secret) {
    const use = { name: 'HMAC', hash: 'SHA-256' };
    imported = { secret, key: subtle.importKey('raw', bytes, use, false, ['sign', 'verify']) };
  }
  return imported.key;
}
