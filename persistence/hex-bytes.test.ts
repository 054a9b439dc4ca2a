import fc from 'fast-check';
import { expect, it } from 'vitest';
import { writeHex16 } from './hex-bytes.ts';

it('writes what Buffer would, with and without dashes, in both cases', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.boolean(), fc.boolean(), (uuid, dashed, upper) => {
      const to = Buffer.alloc(20, 7);
      const text = dashed ? uuid : uuid.replaceAll('-', '');
      writeHex16(to, 2, upper ? text.toUpperCase() : text);
      expect(to.toString('hex')).toBe(`0707${uuid.replaceAll('-', '')}0707`);
    }),
  );
});

const spoilt = [
  '',
  'ab',
  '0'.repeat(31),
  '0'.repeat(33),
  '0'.repeat(34),
  `${'0'.repeat(31)}g`,
  `${'0'.repeat(31)}\u0130`,
];

it.each(spoilt)('refuses %j', (text) => {
  expect(() => writeHex16(Buffer.alloc(64), 0, text)).toThrow('neither');
});
