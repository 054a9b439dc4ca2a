import { beforeEach, describe, expect, it } from 'vitest';
import { fulfil, intentionFor, keptIntention, randomKey } from './intention.ts';

describe('an intention', () => {
  const wanted = { eventId: 'event', zoneId: 'A', quantity: 2 };
  let shelf: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  let keys: number;
  const newKey = () => `key ${++keys}`;

  beforeEach(() => {
    const items = new Map<string, string>();
    shelf = {
      getItem: (name) => items.get(name) ?? null,
      setItem: (name, value) => void items.set(name, value),
      removeItem: (name) => void items.delete(name),
    };
    keys = 0;
  });

  it('keeps its key for as long as the same is wanted', () => {
    expect(intentionFor(shelf, wanted, newKey)).toEqual({ ...wanted, key: 'key 1' });
    expect(intentionFor(shelf, { ...wanted }, newKey).key).toBe('key 1');
    expect(keptIntention(shelf, 'event')?.key).toBe('key 1');
  });

  it('is another one when something else is wanted', () => {
    intentionFor(shelf, wanted, newKey);
    expect(intentionFor(shelf, { ...wanted, quantity: 3 }, newKey).key).toBe('key 2');
    expect(intentionFor(shelf, { ...wanted, quantity: 3, zoneId: 'B' }, newKey).key).toBe('key 3');
    expect(intentionFor(shelf, { ...wanted, eventId: 'other' }, newKey).key).toBe('key 4');
  });

  it('is another one when the last was fulfilled', () => {
    intentionFor(shelf, wanted, newKey);
    fulfil(shelf, 'event');
    expect(keptIntention(shelf, 'event')).toBeNull();
    expect(intentionFor(shelf, wanted, newKey).key).toBe('key 2');
  });

  it('is none when what was kept cannot be read', () => {
    shelf.setItem('onsale intention event', '{');
    expect(keptIntention(shelf, 'event')).toBeNull();
  });
});

it('keys are 128 bits, never the same', () => {
  expect(randomKey()).toMatch(/^[0-9a-f]{32}$/);
  expect(randomKey()).not.toBe(randomKey());
});
