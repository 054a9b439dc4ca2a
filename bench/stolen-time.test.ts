import { expect, it } from 'vitest';
import { parseCoreTicks, stolenSentence } from './stolen-time.ts';

it('is told as a share of what was wanted', () => {
  const from = parseCoreTicks('cpu  100 5 50 1000 10 1 4 20 0 0\ncpu0 50 2 25 500 5 0 2 10 0 0\n');
  const to = parseCoreTicks('cpu  150 5 75 3000 90 1 4 45 7 0\n');
  expect(from).toEqual({ busy: 160, stolen: 20 });
  expect(stolenSentence(from, to)).toContain(' kept 25.0 % ');
});

it('is not told where it is not known', () => {
  expect(parseCoreTicks('no cores\n')).toBeNull();
  expect(stolenSentence(null, { busy: 1, stolen: 1 })).toBeNull();
  expect(stolenSentence({ busy: 1, stolen: 1 }, { busy: 1, stolen: 1 })).toBeNull();
});
