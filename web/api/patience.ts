/**
 * What to do when the shop cannot be reached or has no time: wait as long as it asked for, say so, and send the same request
 * again. That is safe, because everything that this shop is asked twice it does once.
 */
import { observed } from '../observed.ts';
import type { Reply } from './wire.ts';

/** Why the person waits, for the line at the top of the page. */
export interface Trouble {
  readonly kind: 'offline' | 'unreachable' | 'busy';
  readonly againInSeconds: number;
}

export const trouble = observed<Trouble | null>(null);

const firstPauseMs = 1_000;
const longestPauseMs = 10_000;
/** All that were turned away together must not come back together. */
const spread = 0.25;

/**
 * How long to wait before the same request, in milliseconds; null when the reply is one to go on with.
 * @param failures replies before this one that were none
 * @param chance 0 … 1
 */
export function pauseAfter(reply: Reply<unknown>, failures: number, chance: number): number | null {
  if (reply !== null && reply.status !== 503 && reply.status !== 429) return null;
  const asked = reply === null || reply.answer.ok ? null : reply.answer.refusal.retryAfterSeconds;
  const pauseMs = asked === null ? Math.min(longestPauseMs, firstPauseMs * 2 ** failures) : asked * 1_000;
  return Math.round(pauseMs * (1 + spread * chance));
}

/** Repeats `attempt` until it brings a reply to go on with. Rejects when `signal` ends the waiting. */
export async function patiently<Value>(
  attempt: () => Promise<Reply<Value>>,
  signal?: AbortSignal,
): Promise<NonNullable<Reply<Value>>> {
  for (let failures = 0; ; failures += 1) {
    const reply = await attempt();
    const pauseMs = pauseAfter(reply, failures, Math.random());
    if (pauseMs === null && reply !== null) {
      trouble.set(null);
      return reply;
    }
    const kind = reply !== null ? 'busy' : navigator.onLine ? 'unreachable' : 'offline';
    trouble.set({ kind, againInSeconds: Math.ceil((pauseMs ?? 0) / 1_000) });
    await pause(pauseMs ?? 0, signal);
  }
}

/** Ends early when the network comes back. */
function pause(pauseMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener('online', end);
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) {
        trouble.set(null);
        reject(signal.reason);
      } else resolve();
    };
    const timer = setTimeout(end, pauseMs);
    addEventListener('online', end);
    signal?.addEventListener('abort', end);
    if (signal?.aborted) end();
  });
}
