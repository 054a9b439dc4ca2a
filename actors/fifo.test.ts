import { expect, it } from 'vitest';
import { heapGrowth } from '../test/heap.ts';
import { Fifo } from './fifo.ts';

it('gives back what came, oldest first, however pushes and takes mix', () => {
  const queue = new Fifo<number>();
  const taken: number[] = [];
  let next = 0;
  for (let round = 0; round < 3_000; round++) {
    for (let n = 0; n < 5; n++) queue.push(next++);
    taken.push(...queue.take(round % 3 === 0 ? 8 : 3));
    expect(queue.length).toBe(next - taken.length);
  }
  taken.push(...queue.take(Number.POSITIVE_INFINITY));
  expect(taken).toEqual(Array.from({ length: next }, (_, n) => n));
  expect([queue.length, queue.shift()]).toEqual([0, undefined]);
});

it('does not grow by what has passed through, also when it is never empty', async () => {
  const queue = new Fifo<number>();
  queue.push(0);
  const grownBytes = await heapGrowth(() => {
    for (let n = 1; n <= 3_000_000; n++) {
      queue.push(n);
      queue.shift();
    }
  });
  expect(queue.length).toBe(1);
  expect(grownBytes).toBeLessThan(4_000_000);
});
