import { describe, expect, it } from 'vitest';
import { leftWords } from './zone-choice.tsx';

describe('what is left of a zone', () => {
  const zone = {
    id: 'zone',
    event_id: 'event',
    show_id: 'show',
    name: 'A',
    kind: 'general',
    price: 100,
    currency: 'THB',
    capacity: 100,
    available: 100,
    held: 0,
    sold: 0,
    blocked: 0,
  } as const;

  it.each([
    [{}, '100 left'],
    [{ available: 5 }, 'Only 5 left'],
    [{ available: 0, held: 3 }, 'All held: some may come back'],
    [{ available: 0 }, 'Sold out'],
    [{ kind: 'seated' }, 'Numbered seats, not sold on this page yet'],
  ] as const)('%j: %s', (state, words) => {
    expect(leftWords({ ...zone, ...state })).toBe(words);
  });
});
