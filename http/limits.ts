/**
 * Which requests are limited how far, and what happens when the shared buckets cannot be reached. The buckets
 * themselves are lua/take_token.lua's.
 */
import type { Rejection } from '../engine/outcome.ts';
import type { BucketTerms, RateLimits, Taken } from '../engine/rate-limit.ts';

/** Per user, else per client address; `login_account` is per account that somebody tries to enter. */
export const limits = {
  login: { name: 'login', perMinute: 5, burst: 3 },
  login_account: { name: 'login_account', perMinute: 10, burst: 10 },
  register: { name: 'register', perMinute: 3, burst: 2 },
  reserve: { name: 'reserve', perMinute: 20, burst: 10 },
  general: { name: 'general', perMinute: 100, burst: 20 },
} as const satisfies Record<string, BucketTerms>;

export type LimitName = keyof typeof limits;

/** A refusal by a limit, with the headers that go with it. */
export interface Limited {
  readonly rejection: Rejection;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/**
 * Takes a token for one request. Null: go on.
 *
 * When the store gives no answer, requests that only read go on (nothing is lost by a few too many) and all others
 * are refused with 503: guessing passwords or hoarding seats must not get easier by an outage.
 */
export async function overLimit(
  store: RateLimits,
  name: LimitName,
  key: string,
  readsOnly: boolean,
): Promise<Limited | null> {
  const terms = limits[name];
  let taken: Taken;
  try {
    taken = await store.take(terms, key);
  } catch {
    if (readsOnly) return null;
    return {
      rejection: { code: 'SERVICE_UNAVAILABLE', message: 'the rate limits cannot be reached', retryAfterSeconds: 1 },
      headers: [],
    };
  }
  if (taken.allowed) return null;
  return {
    rejection: { code: 'RATE_LIMITED', retryAfterSeconds: Math.max(1, Math.ceil(taken.retryAfterMs / 1000)) },
    headers: [
      ['X-RateLimit-Limit', String(terms.perMinute)],
      ['X-RateLimit-Remaining', String(taken.remaining)],
      ['X-RateLimit-Reset', String(Math.ceil(taken.fullAfterMs / 1000))],
    ],
  };
}
