/**
 * The first bytes of an answer: status line and the headers that never vary, made once per status and handed to the
 * socket as they are. Seven calls into native code fewer per answer.
 */
import { STATUS_CODES } from 'node:http';

/** 2 years, as the preload lists ask. Browsers ignore it over plain HTTP. */
const transportSecurity = 'max-age=63072000; includeSubDomains';

const security = [
  `Strict-Transport-Security: ${transportSecurity}`,
  'X-Content-Type-Options: nosniff',
  'X-Frame-Options: DENY',
  'Referrer-Policy: no-referrer',
];

/** Only what is shown as a page can be opened by another; JSON is spared the bytes. */
const ofPages = ['Cross-Origin-Opener-Policy: same-origin'];

/** What scripts of other origins may read of an answer. */
const exposed =
  'Access-Control-Expose-Headers: ETag, Idempotency-Replayed, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-ID';

export interface AnswerHeads {
  /** JSON for this caller only: no cache may keep it. */
  privateJson(status: number): Uint8Array;
  /** Without Content-Type and Cache-Control. */
  bare(status: number): Uint8Array;
}

interface Origins {
  /** Whether pages of any other origin may call: then caches must know that answers vary by origin. */
  readonly crossOrigin: boolean;
  /** The one other origin that our own pages call, as `scheme://host:port`: where a card is confirmed. */
  readonly paymentOrigin: string | null;
}

export function createAnswerHeads({ crossOrigin, paymentOrigin }: Origins): AnswerHeads {
  const all = [...security, contentSecurityPolicy(paymentOrigin)];
  const common = crossOrigin ? [...all, 'Vary: Origin', exposed] : all;
  const json = ['Content-Type: application/json', 'Cache-Control: no-store', ...common];
  return { privateJson: remembered(json), bare: remembered([...common, ...ofPages]) };
}

function contentSecurityPolicy(paymentOrigin: string | null): string {
  const connect = paymentOrigin === null ? '' : ` connect-src 'self' ${paymentOrigin};`;
  return `Content-Security-Policy: default-src 'self';${connect} base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;
}

function remembered(headers: readonly string[]): (status: number) => Uint8Array {
  const made: Uint8Array[] = [];
  return (status) => {
    made[status] ??= Buffer.from([`${status} ${STATUS_CODES[status] ?? ''}`, ...headers].join('\r\n'));
    return made[status];
  };
}
