/**
 * Access tokens: signing (jose), checking, and remembering what was checked. Kind, audience, issuer and algorithm are
 * pinned, so that no other token of ours (queue pass, ticket) and no foreign one opens the API.
 *
 * Checking is ours (docs/adr/0012): a sale begins with as many unknown tokens as requests, and jose's check costs five
 * times as much, most of it in the promises of Web Crypto. Only one protected header is taken, letter by letter, which
 * leaves nothing to negotiate; auth.test.ts holds the check against jose's.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { SignJWT } from 'jose';
import { z } from 'zod';
import type { Role } from '../engine/accounts.ts';
import type { Clock, Ids } from '../engine/ports.ts';
import { RecentMap } from './recent-map.ts';
import { createTokenMac } from './token-mac.ts';

const protectedHeader = { alg: 'HS256', typ: 'at+jwt' } as const;
const encodedHeader = Buffer.from(JSON.stringify(protectedHeader)).toString('base64url');
const issuer = 'onsale';
const audience = 'onsale-api';
/** Nodes of one cluster may disagree by this much about the time. */
const clockToleranceSeconds = 5;
/** No token of ours lives longer than the 6 h that seeded load tests get. */
const tokenAgeMaxSeconds = 6 * 3_600;
export const accessTtlSeconds = 15 * 60;
const secretBytesMin = 32;

/** Who calls: what a checked access token says. */
export interface User {
  readonly id: string;
  readonly role: Role;
}

export interface AccessTokens {
  /** The user of a token; null when it is not one of ours, was altered or has expired. */
  check(token: string): User | null;
  sign(user: User): Promise<string>;
}

export interface AccessTokenOptions {
  /** At least 32 bytes as UTF-8. */
  readonly secret: string;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Tokens remembered. @default 400000, about 80 MB when full */
  readonly rememberedMax?: number;
}

const claimsSchema = z.object({
  iss: z.literal(issuer),
  aud: z.literal(audience),
  sub: z.uuid(),
  jti: z.string().min(1),
  iat: z.number(),
  nbf: z.number().optional(),
  exp: z.number(),
  role: z.enum(['user', 'organizer', 'admin']),
});
type Claims = z.output<typeof claimsSchema>;

/** In whole seconds, which V8 keeps in the object itself. */
interface Remembered extends User {
  readonly expiresAtSeconds: number;
}

/** Throws when the secret is shorter than `secretBytesMin` bytes: jose would take five. */
export function createAccessTokens(options: AccessTokenOptions): AccessTokens {
  const { clock, ids, rememberedMax = 400_000 } = options;
  const macOf = createTokenMac(signingKey(options.secret));
  // Found by the hash of all of it: a third of the memory of the text, and a tenth of the time of a check.
  const remembered = new RecentMap<string, Remembered>(rememberedMax);

  return {
    check(token) {
      const digest = hash('sha256', token, 'binary');
      const known = remembered.get(digest);
      const nowMs = clock.now();
      if (known !== undefined && nowMs < known.expiresAtSeconds * 1000) return known;
      const claims = checkedClaims(token, macOf, nowMs);
      if (claims === null) return null;
      const user = { id: claims.sub, role: claims.role, expiresAtSeconds: Math.floor(claims.exp) };
      // What the tolerance alone lets through is checked again each time.
      if (nowMs < claims.exp * 1000) remembered.set(digest, user);
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
  user: User & { readonly tokenId: string },
  life: { readonly nowMs: number; readonly ttlSeconds: number },
): Promise<string> {
  const issuedAtSeconds = Math.floor(life.nowMs / 1000);
  return new SignJWT({ role: user.role })
    .setProtectedHeader(protectedHeader)
    .setSubject(user.id)
    .setJti(user.tokenId)
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(issuedAtSeconds)
    .setExpirationTime(issuedAtSeconds + life.ttlSeconds)
    .sign(signingKey(secret));
}

/** HS256 signs with 32 bytes: 43 characters of base64url. */
const signatureChars = 43;

/** RFC 7515 §5.2 and RFC 7519 §4.1, for the one kind of token that is ours. */
function checkedClaims(token: string, macOf: ReturnType<typeof createTokenMac>, nowMs: number): Claims | null {
  const end = token.length - signatureChars - 1;
  if (end < 0 || token[end] !== '.' || !token.startsWith(`${encodedHeader}.`)) return null;
  const expected = macOf(token.slice(0, end));
  if (expected === null) return null;
  const given = Buffer.from(token.slice(end + 1));
  if (given.length !== signatureChars || !timingSafeEqual(given, Buffer.from(expected))) return null;
  const claims = claimsSchema.safeParse(readPayload(token.slice(encodedHeader.length + 1, end))).data;
  return claims !== undefined && isInTime(claims, Math.floor(nowMs / 1000)) ? claims : null;
}

/** Only a payload that we signed comes here, and still: one that cannot be read is refused, not thrown at the caller. */
function readPayload(encoded: string): unknown {
  try {
    return JSON.parse(Buffer.from(encoded, 'base64url').toString());
  } catch {
    return null;
  }
}

function isInTime({ iat, nbf = iat, exp }: Claims, nowSeconds: number): boolean {
  const latest = nowSeconds + clockToleranceSeconds;
  const earliest = nowSeconds - clockToleranceSeconds;
  return exp > earliest && iat <= latest && nbf <= latest && earliest - iat <= tokenAgeMaxSeconds;
}

function signingKey(secret: string): Uint8Array {
  const bytes = Buffer.from(secret);
  if (bytes.length < secretBytesMin)
    throw new Error(`the token secret has ${bytes.length} bytes; ${secretBytesMin} are needed`);
  return bytes;
}
