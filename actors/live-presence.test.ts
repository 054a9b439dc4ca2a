import { describe, expect, it } from 'vitest';
import { LivePresence } from './live-presence.ts';

const minuteMs = 60_000;
const startMs = Date.UTC(2030, 0, 1);

function seen(users: number, atMs: number, presence = new LivePresence()): LivePresence {
  for (let user = 0; user < users; user++) presence.seen(`user ${user} of ${atMs}`, atMs);
  return presence;
}

describe('users who were seen', () => {
  it('count for a minute, and for two at most', () => {
    const presence = seen(5, startMs);
    seen(1, startMs + minuteMs - 1, presence);
    expect(presence.users).toBe(6);
    seen(1, startMs + minuteMs, presence);
    expect(presence.users).toBe(7);
    seen(1, startMs + 2 * minuteMs, presence);
    expect(presence.users).toBe(2);
  });

  it('count once, however often they are seen', () => {
    const presence = new LivePresence();
    for (const atMs of [0, 1, minuteMs, minuteMs + 1]) presence.seen('somebody', startMs + atMs);
    expect(presence.users).toBe(1);
  });

  it('of hours ago do not count with those of now', () => {
    const presence = seen(900, startMs);
    seen(1, startMs + 60 * minuteMs, presence);
    expect(presence.users).toBe(1);
  });

  it('do not add up while a clock that was set back catches up', () => {
    const presence = seen(5, startMs);
    for (let minute = 0; minute < 30; minute++) seen(5, startMs - (60 - minute) * minuteMs, presence);
    expect(presence.users).toBeLessThanOrEqual(10);
  });
});

describe('users behind doors', () => {
  it('are told when their door is shut, and are there no more but for another door', () => {
    const presence = new LivePresence();
    presence.connected('one', 'a');
    presence.connected('one', 'b');
    presence.connected('other', 'b');
    expect(presence.users).toBe(3);
    expect([...presence.shut('one')]).toEqual(['a', 'b']);
    expect([presence.isConnected('a'), presence.isConnected('b')]).toEqual([false, true]);
    expect([...presence.shut('one')]).toEqual([]);
  });
});
