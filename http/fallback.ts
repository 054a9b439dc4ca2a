/** Answers for what is not in the route table: unknown paths, other methods of known paths, preflight requests. */
import type { AnyCall, Method, Route } from './route.ts';

/** How long browsers may remember a preflight answer; Chromium's upper limit. */
const preflightSeconds = 7200;
const allowedHeaders =
  'Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Idempotency-Key, X-Queue-Pass, X-Request-ID';

export const unknownPath: Route = fallback((call) => call.refuse({ code: 'NOT_FOUND' }));

export function otherMethod(methods: readonly Method[]): Route {
  const allow = allowed(methods);
  return fallback((call) => {
    call.header('Allow', allow);
    call.refuse({ code: 'METHOD_NOT_ALLOWED' });
  });
}

/** Whether the origin may call at all is said by Access-Control-Allow-Origin, which the exchange adds. */
export function preflight(methods: readonly Method[]): Route {
  const allow = allowed(methods);
  return fallback((call) => {
    call.header('Allow', allow);
    call.header('Access-Control-Allow-Methods', allow);
    call.header('Access-Control-Allow-Headers', allowedHeaders);
    call.header('Access-Control-Max-Age', String(preflightSeconds));
    call.bare(204);
  });
}

function allowed(methods: readonly Method[]): string {
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
}

/** One path label for all of them: metrics must not grow with what people type. */
function fallback(handle: (call: AnyCall) => void): Route {
  return { method: 'GET', path: '/*', area: '', summary: '', who: 'anyone', limit: null, answers: {}, handle };
}
