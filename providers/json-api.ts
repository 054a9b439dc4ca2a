/**
 * Calls of the providers that speak plain JSON and have no SDK here, and what a failed call means to the saga. What an
 * answer says is each adapter's business.
 */
import { ProviderRefused, ProviderUnavailable } from '../engine/payment.ts';

export interface JsonApi {
  /** POSTs `body`, or GETs without one. The answer is an object; its fields are the adapter's to check. */
  call(path: string, body?: object): Promise<Readonly<Record<string, unknown>>>;
}

export interface JsonApiOptions {
  /** For messages. */
  readonly name: string;
  readonly base: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Silence after which a call counts as unanswered. */
  readonly timeoutMs: number;
}

/** Answers that say nothing about the effect, or that ask to come back. */
const inconclusiveStatuses = new Set([408, 409, 425, 429]);
const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Calls reject with `ProviderUnavailable` (no answer, or none that can be read) or `ProviderRefused` (another status
 * than 2xx).
 * @throws when signed requests would leave the machine in the clear
 */
export function createJsonApi({ name, base, headers = {}, timeoutMs }: JsonApiOptions): JsonApi {
  const { protocol, hostname } = new URL(base);
  if (protocol !== 'https:' && !loopback.has(hostname))
    throw new Error(`${name}: ${base} must be https, for it is not on this machine`);
  return {
    async call(path, body) {
      const signal = AbortSignal.timeout(timeoutMs);
      const request = body
        ? { method: 'POST', body: JSON.stringify(body), headers: { ...headers, 'Content-Type': 'application/json' } }
        : { headers: { ...headers } };
      // Never another address than the configured one: what we send is signed.
      const answered = fetch(`${base}${path}`, { ...request, signal, redirect: 'error' }).then(async (response) => ({
        status: response.status,
        text: await response.text(),
      }));
      const { status, text } = await answered.catch((error: unknown) => {
        throw new ProviderUnavailable(`${name}: no answer to ${path} (${String(error)})`);
      });
      if (status >= 500 || inconclusiveStatuses.has(status))
        throw new ProviderUnavailable(`${name}: ${path} was answered ${status}`);
      if (status < 200 || status > 299) throw new ProviderRefused(`${name}: ${path} was answered ${status}`);
      const answer = readObject(text);
      if (!answer) throw new ProviderUnavailable(`${name}: the answer to ${path} is not JSON`);
      return answer;
    },
  };
}

/** The object that a JSON text is; null for any other text. */
export function readObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
