import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Line, positionFrom } from './line.ts';

/** The same by counting. */
function naive(places: readonly boolean[]) {
  const position = (place: number) => places.slice(0, place).filter(Boolean).length;
  const first = places.indexOf(true) + 1;
  return { waiting: position(places.length), position, first: first === 0 ? undefined : first };
}

const steps = fc.array(fc.oneof(fc.constant('enter' as const), fc.nat({ max: 300 })), { maxLength: 300 });

describe('a line', () => {
  it('counts as one would by hand, whoever leaves', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 70 }), (history, buckets) => {
        const line = new Line<number>();
        const places: boolean[] = [];
        for (const step of history) {
          if (step === 'enter') {
            places.push(true);
            expect(line.enter(places.length)).toBe(places.length);
          } else {
            line.remove(step);
            if (step >= 1 && step <= places.length) places[step - 1] = false;
          }
          const model = naive(places);
          expect(line.waiting).toBe(model.waiting);
          expect(line.first()).toBe(model.first);
        }
        const model = naive(places);
        const summary = line.summary(buckets);
        expect([...line]).toEqual(places.flatMap((there, index) => (there ? [index + 1] : [])));
        for (const [index, there] of places.entries()) {
          const place = index + 1;
          expect(line.position(place)).toBe(model.position(place));
          // What everybody is told never promises more than is true, and is exact when there is a bucket a place.
          if (!there) continue;
          expect(positionFrom(summary, place)).toBeGreaterThanOrEqual(line.position(place));
          if (buckets >= places.length) expect(positionFrom(summary, place)).toBe(line.position(place));
        }
      }),
    );
  });

  it('never shows anybody a worse position than before', () => {
    fc.assert(
      fc.property(steps, (history) => {
        const line = new Line<number>();
        const best = new Map<number, number>();
        let tail = 0;
        for (const step of history) {
          if (step === 'enter') {
            tail = line.enter(0);
            best.set(tail, line.position(tail));
          } else if (step >= 1 && step <= tail) {
            line.remove(step);
            best.delete(step);
          }
          for (const [place, before] of best) {
            const now = line.position(place);
            expect(now).toBeLessThanOrEqual(before);
            best.set(place, now);
          }
        }
      }),
    );
  });
});
