import { createHmac, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { createTokenMac } from './token-mac.ts';

it('is what node:crypto makes of it, for keys below, at and above a block and texts of every length', () => {
  for (const keyBytes of [32, 63, 64, 65, 200]) {
    const key = randomBytes(keyBytes);
    const mac = createTokenMac(key);
    for (const chars of [0, 1, 55, 56, 63, 64, 65, 300, 299, 1, 8_192]) {
      const text = randomBytes(chars).toString('hex').slice(0, chars);
      expect(mac(text)).toBe(createHmac('sha256', key).update(text).digest('base64url'));
    }
  }
});

it('has none for what is no token of ours: longer than a head, or not ASCII', () => {
  const mac = createTokenMac(randomBytes(32));
  expect(mac('a'.repeat(8_193))).toBeNull();
  for (const text of ['é', 'a\u0165', `${'a'.repeat(8_191)}€`]) expect(mac(text)).toBeNull();
});
