/** Keyed hashes as the redirect providers use them: hexadecimal text, compared without telling how much was right. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** In lower case. */
export function hmacHex(algorithm: 'sha256' | 'sha512', key: string, text: string): string {
  return createHmac(algorithm, key).update(text).digest('hex');
}

/** In constant time for texts of one length; some providers write their digits in upper case. */
export function isSameHex(given: string | undefined, expected: string): boolean {
  const [a, b] = [Buffer.from(given?.toLowerCase() ?? ''), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
