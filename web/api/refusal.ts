/** The API's refusals as values. */
import type { RejectionCode } from '../../engine/outcome.ts';

/** Why something was not done. `details` as docs/errors.md lists them. */
export interface Refusal {
  readonly code: RejectionCode;
  readonly details: Readonly<Record<string, unknown>>;
  /** From Retry-After; null when the API named no time. */
  readonly retryAfterSeconds: number | null;
}

export type Answer<Value> =
  | { readonly ok: true; readonly value: Value; readonly meta: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly refusal: Refusal };

/** An answer of the wire, whatever its shape, as a value. What is no answer of ours counts as our fault. */
export function answerOf<Value>(body: unknown, retryAfterSeconds: number | null): Answer<Value> {
  const { success, data, meta, error } = (body ?? {}) as {
    success?: boolean;
    data?: Value;
    meta?: Record<string, unknown>;
    error?: { code: RejectionCode; details: Record<string, unknown> };
  };
  if (success === true) return { ok: true, value: data as Value, meta: meta ?? {} };
  const { code = 'INTERNAL_ERROR', details = {} } = error ?? {};
  return { ok: false, refusal: { code, details, retryAfterSeconds } };
}

export function refused(code: RejectionCode): Answer<never> {
  return { ok: false, refusal: { code, details: {}, retryAfterSeconds: null } };
}
