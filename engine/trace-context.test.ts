/** Which headers name a trace, by the examples and rules of W3C Trace Context §3.2 and §4.3. */
import { describe, expect, it } from 'vitest';
import { readTraceparent } from './trace-context.ts';

const trace = '0af7651916cd43dd8448eb211c80319c';
const parent = 'b7ad6b7169203331';

describe('traceparent', () => {
  it('is passed on as it came, sampled or not', () => {
    for (const flags of ['00', '01', '03', 'ff'])
      expect(readTraceparent(`00-${trace}-${parent}-${flags}`)).toBe(`00-${trace}-${parent}-${flags}`);
  });

  it('of a later version is read as far as it is known', () => {
    const known = `00-${trace}-${parent}-01`;
    expect(readTraceparent(`01-${trace}-${parent}-01`)).toBe(known);
    expect(readTraceparent(`cc-${trace}-${parent}-01-what-the-future-will-be-like`)).toBe(known);
    expect(readTraceparent(`cc-${trace}-${parent}-01.what`)).toBeNull();
  });

  it.each([
    ['none', undefined],
    ['empty', ''],
    ['no trace', `00-${'0'.repeat(32)}-${parent}-01`],
    ['no parent', `00-${trace}-${'0'.repeat(16)}-01`],
    ['version ff', `ff-${trace}-${parent}-01`],
    ['version 00 with more', `00-${trace}-${parent}-01-more`],
    ['upper case', `00-${trace.toUpperCase()}-${parent}-01`],
    ['too short', `00-${trace.slice(1)}-${parent}-01`],
    ['no hex', `00-${trace.slice(1)}z-${parent}-01`],
    ['two values', `00-${trace}-${parent}-01, 00-${trace}-${parent}-01`],
    ['a space', ` 00-${trace}-${parent}-01`],
    ['no end', `cc-${trace}-${parent}-01-${'x'.repeat(10_000)}`],
  ])('is ignored when it is malformed: %s', (_, header) => {
    expect(readTraceparent(header)).toBeNull();
  });
});
