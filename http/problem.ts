/**
 * What a refusal looks like on the wire: HTTP status, body, Retry-After, and whether a client should try again.
 * docs/errors.md is this table for people; problem.test.ts keeps the two the same.
 */
import type { ZodError } from 'zod';
import { type Rejection, type RejectionCode, rejections } from '../engine/outcome.ts';

interface Problem {
  readonly status: number;
  /** Whether the same request may succeed later, for docs/errors.md. */
  readonly retry: string;
}

const changeRequest = 'no: change the request';

export const problems: Readonly<Record<RejectionCode, Problem>> = {
  VALIDATION_ERROR: { status: 400, retry: changeRequest },
  IDEMPOTENCY_KEY_REQUIRED: { status: 400, retry: changeRequest },
  IDEMPOTENCY_MISMATCH: { status: 422, retry: 'no: a new purchase needs a new key' },
  UNAUTHORIZED: { status: 401, retry: 'after a refresh or a new login' },
  PAYMENT_FAILED: { status: 402, retry: 'with another means of payment, while the hold lasts' },
  FORBIDDEN: { status: 403, retry: 'no' },
  QUEUE_PASS_REQUIRED: { status: 403, retry: 'after the waiting room has given a pass' },
  QUEUE_PASS_INVALID: { status: 403, retry: 'after the waiting room has given a new pass' },
  SALE_NOT_STARTED: { status: 403, retry: 'at `details.sale_start_at`' },
  SALE_ENDED: { status: 403, retry: 'no' },
  NOT_FOUND: { status: 404, retry: 'no' },
  METHOD_NOT_ALLOWED: { status: 405, retry: 'no: use a method of the `Allow` header' },
  INSUFFICIENT_STOCK: { status: 409, retry: 'for fewer seats, or later: holds that run out return' },
  MAX_PER_USER_EXCEEDED: { status: 409, retry: 'for fewer seats' },
  SEATS_TAKEN: { status: 409, retry: 'for other seats' },
  CONFLICT: { status: 409, retry: 'no' },
  INVALID_STATE: { status: 409, retry: 'no' },
  RESERVATION_EXPIRED: { status: 410, retry: 'no: reserve again' },
  PAYLOAD_TOO_LARGE: { status: 413, retry: changeRequest },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retry: changeRequest },
  RATE_LIMITED: { status: 429, retry: 'after `Retry-After` seconds' },
  SERVICE_UNAVAILABLE: { status: 503, retry: 'after `Retry-After` seconds, with the same `Idempotency-Key`' },
  INTERNAL_ERROR: { status: 500, retry: 'with the same `Idempotency-Key`; report the request id if it stays' },
};

/** The body of a refusal: `{"success":false,"error":{"code","message","details"}}`. */
export function problemBody(rejection: Rejection): string {
  return JSON.stringify({ success: false, error: problem(rejection) });
}

export function problem({ code, message = rejections[code], details = {} }: Rejection) {
  return { code, message, details };
}

/** What schemas found wrong, as the refusal a client sees: details map each field to its problem. */
export function invalid(...errors: readonly ZodError[]): Rejection {
  // Without a prototype, for a client may name a field `__proto__`.
  const details: Record<string, string> = Object.create(null);
  for (const { issues } of errors) {
    for (const issue of issues) {
      const place = issue.path.map(String);
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys) details[[...place, key].join('.')] = 'unknown field';
      } else details[place.join('.') || 'body'] ??= issue.message;
    }
  }
  return { code: 'VALIDATION_ERROR', details };
}
