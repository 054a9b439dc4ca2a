/**
 * Refusals in Stripe's words. Owns their shape and the ones that more than one endpoint gives.
 * Reference: https://docs.stripe.com/api/errors
 */

export interface ApiError {
  readonly status: number;
  readonly type: 'invalid_request_error' | 'card_error' | 'idempotency_error' | 'api_error';
  readonly message: string;
  readonly code?: string;
  readonly declineCode?: string;
  readonly param?: string;
  readonly chargeId?: string;
}

/** A value, or the reason there is none. */
export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ApiError };

export function checked<T>(value: T): Checked<T> {
  return { ok: true, value };
}

/** A 400 about one parameter. */
export function invalid(
  param: string,
  message: string,
  code?: string,
): { readonly ok: false; readonly error: ApiError } {
  const error: ApiError = { status: 400, type: 'invalid_request_error', message, param };
  return { ok: false, error: code === undefined ? error : { ...error, code } };
}

/** The 404 for an object that does not exist; a wrong client secret gets it too, so that ids cannot be probed. */
export function missing(kind: 'payment_intent' | 'refund', id: string): ApiError {
  return {
    status: 404,
    type: 'invalid_request_error',
    code: 'resource_missing',
    param: 'id',
    message: `No such ${kind}: '${id}'`,
  };
}
