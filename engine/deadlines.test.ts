import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadlines } from './deadlines.ts';

describe('deadlines', () => {
  it('are none at first', () => {
    const deadlines = new Deadlines();
    expect(deadlines.nextAtMs).toBeNull();
    expect(deadlines.takeDue(Number.POSITIVE_INFINITY, 10)).toEqual([]);
  });

  it('are due at their very moment, and not before', () => {
    const deadlines = new Deadlines();
    deadlines.add('a', 100);
    expect(deadlines.takeDue(99, 10)).toEqual([]);
    expect(deadlines.nextAtMs).toBe(100);
    expect(deadlines.takeDue(100, 10)).toEqual(['a']);
    expect(deadlines.size).toBe(0);
  });

  it('are taken up to a limit, the earliest first', () => {
    const deadlines = new Deadlines();
    for (const [id, atMs] of [
      ['c', 3],
      ['a', 1],
      ['d', 4],
      ['b', 2],
    ] as const)
      deadlines.add(id, atMs);
    expect(deadlines.takeDue(10, 3)).toEqual(['a', 'b', 'c']);
    expect(deadlines.takeDue(10, 3)).toEqual(['d']);
  });

  it('keep one booking as often as it was added', () => {
    const deadlines = new Deadlines();
    deadlines.add('a', 2);
    deadlines.add('a', 1);
    expect(deadlines.takeDue(2, 10)).toEqual(['a', 'a']);
  });

  it('do what a sorted list does', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ addAtMs: fc.nat(50) }) },
      { weight: 1, arbitrary: fc.record({ dueAtMs: fc.nat(50), max: fc.integer({ min: 1, max: 5 }) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const deadlines = new Deadlines();
        let list: number[] = [];
        for (const one of steps) {
          // Named after their time: entries of one moment may come in any order.
          if ('addAtMs' in one) {
            deadlines.add(`at ${one.addAtMs}`, one.addAtMs);
            list = [...list, one.addAtMs].sort((a, b) => a - b);
          } else {
            const due = list.filter((atMs) => atMs <= one.dueAtMs).slice(0, one.max);
            expect(deadlines.takeDue(one.dueAtMs, one.max)).toEqual(due.map((atMs) => `at ${atMs}`));
            list = list.slice(due.length);
          }
          expect(deadlines.nextAtMs).toBe(list[0] ?? null);
          expect(deadlines.size).toBe(list.length);
        }
      }),
    );
  });
});
