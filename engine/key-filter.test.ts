import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyFilter } from './key-filter.ts';

const keyOf = (prefix: number, rest = 'f') => prefix.toString(16).padStart(8, '0') + rest.repeat(24);

describe('a key filter', () => {
  it('has nothing at first', () => {
    const filter = new KeyFilter();
    expect(filter.mayHave(keyOf(0))).toBe(false);
    expect(filter.mayHave(keyOf(0xffffffff))).toBe(false);
  });

  it.each([0, 1, 1_023, 1_024, 0x7fffffff, 0x80000000, 0xffffffff])('has prefix %i once it was added', (prefix) => {
    const byPrefix = new KeyFilter();
    byPrefix.addPrefix(prefix);
    expect(byPrefix.mayHave(keyOf(prefix))).toBe(true);
    const byKey = new KeyFilter();
    byKey.add(keyOf(prefix));
    expect(byKey.mayHave(keyOf(prefix))).toBe(true);
  });

  it('says yes to another key of the same first 32 bits, and no to one beside it', () => {
    const filter = new KeyFilter();
    filter.add(keyOf(7, 'a'));
    expect(filter.mayHave(keyOf(7, 'b'))).toBe(true);
    // The same slot of the table, and the next one.
    expect(filter.mayHave(keyOf(7 + 1_024))).toBe(false);
    expect(filter.mayHave(keyOf(8))).toBe(false);
  });

  it('never forgets one of very many, as it grows, and is seldom wrong about the others', () => {
    const filter = new KeyFilter();
    const spread = (n: number) => Math.imul(n, 0x9e3779b1) >>> 0;
    const count = 100_000;
    for (let n = 0; n < count; n++) filter.addPrefix(spread(n));
    let forgotten = 0;
    let invented = 0;
    for (let n = 0; n < count; n++) {
      if (!filter.mayHave(keyOf(spread(n)))) forgotten++;
      // Multiplication by an odd number meets no number twice: none of these was added.
      if (filter.mayHave(keyOf(spread(count + n)))) invented++;
    }
    expect(forgotten).toBe(0);
    // Prefix zero is stored as prefix one.
    expect(invented).toBeLessThanOrEqual(1);
  });

  it('does what a set does', () => {
    const prefix = fc.oneof(
      fc.nat(40),
      fc.nat(40).map((n) => n * 1_024),
      fc.nat(0xffffffff),
    );
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 1_500 }), prefix, (added, asked) => {
        const filter = new KeyFilter();
        for (const one of added) filter.addPrefix(one);
        for (const one of added) expect(filter.mayHave(keyOf(one))).toBe(true);
        expect(filter.mayHave(keyOf(asked))).toBe(new Set(added.map((n) => n || 1)).has(asked || 1));
      }),
      { numRuns: 30 },
    );
  });
});
