/** One request to the API. Knows JSON and headers; not who asks, and not what to do when no answer comes. */
import { type Answer, answerOf } from './refusal.ts';

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below /api/v1. */
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What came of a request; null: nothing did, and the request may have been done. */
export type Reply<Value> = { readonly status: number; readonly answer: Answer<Value> } | null;

/** Longer than the API waits for itself (30 s), so that it is the API that gives up. */
const giveUpAfterMs = 35_000;

/** Rejects only when `signal` ends it. */
export async function send<Value>(request: Request, token: string | null, signal?: AbortSignal): Promise<Reply<Value>> {
  const { method, path, body, headers = {} } = request;
  const limit = AbortSignal.timeout(giveUpAfterMs);
  try {
    const response = await fetch(`/api/v1${path}`, {
      method,
      headers: {
        ...headers,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    const retryAfter = Number(response.headers.get('Retry-After') ?? Number.NaN);
    const retryAfterSeconds = Number.isFinite(retryAfter) ? retryAfter : null;
    return { status: response.status, answer: answerOf(await response.json(), retryAfterSeconds) };
  } catch {
    signal?.throwIfAborted();
    return null;
  }
}
