import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Neighbour, UnderWay } from './under-way.ts';

class Item implements Neighbour<Item> {
  earlier: Item | null = null;
  later: Item | null = null;
}

function inOrder(underWay: UnderWay<Item>): Item[] {
  const items: Item[] = [];
  for (let item = underWay.oldest; item !== null; item = item.later) items.push(item);
  return items;
}

it('keeps what was added and not removed, in order of arrival', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant('add' as const), fc.nat({ max: 20 }))), (steps) => {
      const underWay = new UnderWay<Item>();
      const expected: Item[] = [];
      for (const step of steps) {
        if (step === 'add') {
          const item = new Item();
          underWay.add(item);
          expected.push(item);
        } else if (step < expected.length) {
          const [item] = expected.splice(step, 1) as [Item];
          underWay.remove(item);
          expect([item.earlier, item.later]).toEqual([null, null]);
        }
        expect(inOrder(underWay)).toEqual(expected);
        expect(underWay.size).toBe(expected.length);
        for (const [index, item] of expected.entries()) expect(item.earlier).toBe(expected[index - 1] ?? null);
      }
    }),
  );
});
