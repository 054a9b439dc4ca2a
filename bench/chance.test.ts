import { expect, it } from 'vitest';
import { chanceFrom } from './chance.ts';

const draws = (seed: number) => {
  const chance = chanceFrom(seed);
  return Array.from({ length: 5 }, () => chance.next());
};

it('draws the same from the same seed, and something else from another', () => {
  expect(draws(7)).toEqual(draws(7));
  expect(draws(7)).not.toEqual(draws(8));
});

it('draws whole numbers from least to most, both included', () => {
  const chance = chanceFrom(1);
  const drawn = new Set(Array.from({ length: 1_000 }, () => chance.between(2, 5)));
  expect([...drawn].sort()).toEqual([2, 3, 4, 5]);
});

it('picks names about as often as their weights say, and never one of no weight', () => {
  const chance = chanceFrom(1);
  const counts = { often: 0, seldom: 0, never: 0 };
  for (let i = 0; i < 10_000; i++) counts[chance.pick({ often: 9, seldom: 1, never: 0 })]++;
  expect(counts.never).toBe(0);
  expect(counts.often / counts.seldom).toBeGreaterThan(7);
  expect(counts.often / counts.seldom).toBeLessThan(11);
});
