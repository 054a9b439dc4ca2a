/**
 * How PayOS signs: HMAC-SHA256 over `key=value` pairs sorted by key and joined by `&`, not url-encoded. Requests sign
 * five of their fields, answers and webhooks all of their `data`. Both sides use it: the adapter, and the sandbox that
 * stands in for PayOS.
 * Protocol: https://payos.vn/docs/tich-hop-webhook/kiem-tra-du-lieu-voi-signature/
 */
import { isObject } from '../json-api.ts';
import { hmacHex, isSameHex } from '../signature.ts';

type Fields = Readonly<Record<string, unknown>>;

const requestFields = ['amount', 'cancelUrl', 'description', 'orderCode', 'returnUrl'];

export function signRequest(request: Fields, checksumKey: string): string {
  return hmacHex('sha256', checksumKey, requestFields.map((name) => `${name}=${String(request[name])}`).join('&'));
}

export function signData(data: Fields, checksumKey: string): string {
  const pairs = Object.keys(data)
    .sort()
    .map((name) => `${name}=${textOf(data[name])}`);
  return hmacHex('sha256', checksumKey, pairs.join('&'));
}

/** Compares in constant time. */
export function isSignedData(data: Fields, signature: unknown, checksumKey: string): boolean {
  return typeof signature === 'string' && isSameHex(signature, signData(data, checksumKey));
}

/** Nothing is the empty text; lists are JSON, the keys of what is in them sorted. */
function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return JSON.stringify(value.map((item) => (isObject(item) ? sorted(item) : item)));
  return isObject(value) ? JSON.stringify(value) : String(value);
}

function sorted(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}
