/**
 * Outcomes: what a decision answers. A refusal is a value with a closed code; an exception is a bug.
 * The HTTP status of a code is the edge's business (http/problem.ts), not this file's.
 */

/** Every refusal the system can give, with its meaning. Adding a code here demands a row in docs/errors.md. */
export const rejections = {
  VALIDATION_ERROR: 'the request does not have the promised shape',
  IDEMPOTENCY_KEY_REQUIRED: 'a reservation needs an Idempotency-Key header',
  IDEMPOTENCY_MISMATCH: 'this Idempotency-Key was used with another request body',
  UNAUTHORIZED: 'no valid access token',
  PAYMENT_FAILED: 'the payment was not accepted',
  FORBIDDEN: 'this account may not do that',
  QUEUE_PASS_REQUIRED: 'the event has a waiting room and the request carries no pass',
  QUEUE_PASS_INVALID: 'the waiting-room pass is not valid for this user and event',
  SALE_NOT_STARTED: 'the sale has not started yet',
  SALE_ENDED: 'the sale is over',
  NOT_FOUND: 'no such thing, or not yours',
  METHOD_NOT_ALLOWED: 'the path exists, the method does not',
  INSUFFICIENT_STOCK: 'fewer seats are left than were asked for',
  MAX_PER_USER_EXCEEDED: 'the user would hold and own more seats of the event than allowed',
  SEATS_TAKEN: 'one of the named seats is held or sold',
  CONFLICT: 'the thing exists already',
  INVALID_STATE: 'the booking is not in a state that allows this',
  RESERVATION_EXPIRED: 'the hold has run out',
  PAYLOAD_TOO_LARGE: 'the body is larger than the limit of this path',
  UNSUPPORTED_MEDIA_TYPE: 'the body must be JSON, sent with Content-Type: application/json',
  RATE_LIMITED: 'too many requests',
  SERVICE_UNAVAILABLE: 'not possible at this moment; the same request may be sent again',
  INTERNAL_ERROR: 'a fault of ours; the request id finds it in the log',
} as const;

export type RejectionCode = keyof typeof rejections;

/** A refusal. `details` goes to the client as it is: nothing secret belongs there. */
export interface Rejection {
  readonly code: RejectionCode;
  readonly message?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** Seconds after which a retry makes sense; becomes the Retry-After header. */
  readonly retryAfterSeconds?: number;
}

export type Refused = { readonly ok: false; readonly rejection: Rejection };

export type Outcome<T> = { readonly ok: true; readonly value: T } | Refused;

export function accept<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

/** "Not now" is said by `unavailable`, which also says when. */
export function reject(
  code: Exclude<RejectionCode, 'SERVICE_UNAVAILABLE'>,
  details?: Readonly<Record<string, unknown>>,
  message?: string,
): Refused {
  return {
    ok: false,
    rejection: { code, ...(details ? { details } : {}), ...(message ? { message } : {}) },
  };
}

/** The answer for "not now": the same request may be sent again after `retryAfterSeconds`. */
export function unavailable(message: string, retryAfterSeconds = 1): Refused {
  return { ok: false, rejection: { code: 'SERVICE_UNAVAILABLE', message, retryAfterSeconds } };
}
