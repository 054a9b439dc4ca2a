import { afterEach, describe, expect, it, vi } from 'vitest';
import { realWorld } from './world.ts';

afterEach(() => {
  vi.useRealTimers();
});

describe('ids', () => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
  /** More than the pool of random bytes holds, so that it is filled again on the way. */
  const many = () => {
    const { ids } = realWorld();
    return Array.from({ length: 20_000 }, () => ids.next());
  };

  it('are UUIDs of version 7 and of the standard’s variant', () => {
    for (const id of many()) {
      expect(id).toMatch(uuid);
      expect([id[14], '89ab'.includes(id[19] ?? '-')]).toEqual(['7', true]);
    }
  });

  it('are never the same', () => {
    expect(new Set(many()).size).toBe(20_000);
  });

  it('carry the millisecond they were made in, and so sort by it', () => {
    vi.useFakeTimers();
    const { ids } = realWorld();
    const times = [0, 1, 999, 1_700_000_000_000, 1_700_000_000_001, 2 ** 47];
    const made = times.map((time) => {
      vi.setSystemTime(time);
      return ids.next();
    });
    expect(made.map((id) => Number.parseInt(id.slice(0, 13).replace('-', ''), 16))).toEqual(times);
    expect([...made].sort()).toEqual(made);
  });

  it('use every bit that is left to chance', () => {
    // Of 74 bits each is both 0 and 1 somewhere among so many; 48 of time and 6 fixed ones are not.
    const bits = many().map((id) => BigInt(`0x${id.slice(15).replaceAll('-', '')}`));
    const [ones, zeros] = [bits.reduce((a, b) => a | b), bits.reduce((a, b) => a | (~b & ((1n << 76n) - 1n)))];
    const fixed = 3n << 62n;
    expect((ones & zeros) | fixed).toBe((1n << 76n) - 1n);
  });
});

describe('timers', () => {
  it('run once after the delay, and not when they were cancelled', () => {
    vi.useFakeTimers();
    const { timers } = realWorld();
    const ran: string[] = [];
    timers.after(100, () => ran.push('kept'));
    timers.after(100, () => ran.push('cancelled'))();
    vi.advanceTimersByTime(99);
    expect(ran).toEqual([]);
    vi.advanceTimersByTime(1_000);
    expect(ran).toEqual(['kept']);
  });

  it('of more than 24 days do not run at once, as Node’s own would', () => {
    vi.useFakeTimers();
    let ran = false;
    realWorld().timers.after(30 * 86_400_000, () => {
      ran = true;
    });
    vi.advanceTimersByTime(86_400_000);
    expect(ran).toBe(false);
  });
});

it('takes turns at once, and chance is what the machine gives', () => {
  const { turns, random, clock } = realWorld();
  let taken = false;
  turns.schedule(() => {
    taken = true;
  });
  expect(taken).toBe(true);
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(60_000);
  const draws = Array.from({ length: 100 }, () => random.next());
  expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
  expect(new Set(draws).size).toBeGreaterThan(90);
});
