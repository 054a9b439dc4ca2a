import { describe, expect, it } from 'vitest';
import { RecentMap } from './recent-map.ts';

describe('a recent map', () => {
  it('never holds more than its bound', () => {
    const map = new RecentMap<number, string>(10);
    for (let n = 0; n < 1_000; n++) {
      map.set(n, `${n}`);
      expect(map.size).toBeLessThanOrEqual(10);
    }
    expect(map.get(999)).toBe('999');
    expect(map.get(0)).toBeUndefined();
  });

  it('keeps what is used while others come and go', () => {
    const map = new RecentMap<string, number>(4);
    map.set('used', 1);
    for (let n = 0; n < 100; n++) {
      map.set(`other ${n}`, n);
      expect(map.get('used')).toBe(1);
    }
  });

  it('forgets what is deleted, in whichever half it is', () => {
    const map = new RecentMap<string, number>(4);
    for (const key of ['a', 'b', 'c']) map.set(key, 1);
    for (const key of ['a', 'b', 'c']) map.delete(key);
    for (const key of ['a', 'b', 'c']) expect(map.get(key)).toBeUndefined();
  });
});
