/**
 * The head of a request: copies the headers that somebody acts on, and refuses heads that two servers could read in
 * two ways (request smuggling). The parser under us takes two Content-Lengths, and codings that only end in "chunked".
 */
import type { Rejection } from '../engine/outcome.ts';

/** As uWebSockets.js gives it: names in lower case, valid during the call only. */
export interface HeaderSource {
  forEach(visit: (name: string, value: string) => void): void;
}

export interface RequestHead {
  readonly headers: Readonly<Record<string, string>>;
  /** Why the request must be refused and its connection closed; null when it is fine. */
  readonly fault: Rejection | null;
}

/** Headers that the edge itself acts on. */
const ownHeaders = [
  'authorization',
  'content-length',
  'content-type',
  'if-none-match',
  'origin',
  'traceparent',
  'transfer-encoding',
  'x-forwarded-for',
  'x-request-id',
];
/** A token, cookies of a shared domain and a proxy's headers fit; what is larger is no client of ours. */
export const headBytesMax = 8192;

export function createHeadReader(routeHeaders: Iterable<string>): (source: HeaderSource) => RequestHead {
  // To themselves: the name found is one string for all requests, which makes a cheaper key than the one that came.
  const wanted = new Map([...ownHeaders, ...routeHeaders].map((name) => [name, name]));
  let headers: Record<string, string> = {};
  let bytes = 0;
  let repeated: string | null = null;

  // One visitor for all requests: reading a head is synchronous, and this is the hot path.
  const visit = (came: string, value: string): void => {
    bytes += came.length + value.length + 4;
    const name = wanted.get(came);
    if (name === undefined) return;
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (name === 'x-forwarded-for') headers[name] = `${before}, ${value}`;
    // Two are as good as none, by W3C Trace Context: nobody is refused because of a trace.
    else if (name === 'traceparent') headers[name] = '';
    else repeated = name;
  };

  return (source) => {
    headers = {};
    bytes = 0;
    repeated = null;
    source.forEach(visit);
    return { headers, fault: faultOf(headers, bytes, repeated) };
  };
}

function faultOf(headers: Readonly<Record<string, string>>, bytes: number, repeated: string | null): Rejection | null {
  if (bytes > headBytesMax)
    return { code: 'PAYLOAD_TOO_LARGE', details: { headers: `more than ${headBytesMax} bytes` } };
  if (repeated !== null) return { code: 'VALIDATION_ERROR', details: { [repeated]: 'sent more than once' } };
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return null;
  if (coding !== 'chunked')
    return { code: 'VALIDATION_ERROR', details: { 'transfer-encoding': 'must be exactly "chunked"' } };
  if (headers['content-length'] === undefined) return null;
  return { code: 'VALIDATION_ERROR', details: { 'transfer-encoding': 'excludes a content-length' } };
}

const safeRequestId = /^[\w.:/+=@-]{1,128}$/;

/** The client's own id of a request; undefined when it gave none that is safe to write anywhere. */
export function requestIdOf({ 'x-request-id': given }: Readonly<Record<string, string>>): string | undefined {
  return given !== undefined && safeRequestId.test(given) ? given : undefined;
}

/** A parameter of the path as it was meant; as it came when it is no proper encoding. */
export function decoded(text: string): string {
  const readable = withoutNul(text);
  try {
    return decodeURIComponent(readable);
  } catch {
    return readable;
  }
}

/** Of names that come more than once the last counts. */
export function queryOf(text = ''): Readonly<Record<string, string>> {
  return Object.fromEntries(new URLSearchParams(withoutNul(text)));
}

/** PostgreSQL keeps no text with a NUL: it reads as broken UTF-8 does, as U+FFFD. */
function withoutNul(text: string): string {
  return text.replace(/%00|\0/g, '%EF%BF%BD');
}
