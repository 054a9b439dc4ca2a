/** The shop's time: what it said, moved on by this device's steady clock. The device's own date is never asked. */
import { useEffect, useState } from 'preact/hooks';

/** The shop's time now, in milliseconds since 1970. */
export type ServerClock = () => number;

/**
 * A clock set by an answer that was asked for at `askedAtMs` and came at `cameAtMs` of `steady`. The middle between the two is off by half the
 * journey at most (Cristian's algorithm).
 */
export function clockSetBy(
  serverTime: string,
  { askedAtMs, cameAtMs }: { readonly askedAtMs: number; readonly cameAtMs: number },
  steady: () => number = () => performance.now(),
): ServerClock {
  const offsetMs = Date.parse(serverTime) - (askedAtMs + cameAtMs) / 2;
  return () => steady() + offsetMs;
}

/** Whole seconds until `atMs`, rounded up so that 0 means over; never negative. */
export function secondsUntil(atMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((atMs - nowMs) / 1_000));
}

/** The shop needs a moment to notice that a time is up, too. */
const afterEndMs = 1_000;

/** Seconds until `atMs` by `clock`, counted down; calls `ended` soon after 0. */
export function useCountdown(atMs: number, clock: ServerClock, ended: () => void): number {
  const [seconds, setSeconds] = useState(() => secondsUntil(atMs, clock()));
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tick = () => {
      clearTimeout(timer);
      const nowMs = clock();
      const left = secondsUntil(atMs, nowMs);
      setSeconds(left);
      // To the moment at which the number shown changes, so that it neither stutters nor drifts.
      timer = left === 0 ? setTimeout(ended, afterEndMs) : setTimeout(tick, atMs - nowMs - (left - 1) * 1_000);
    };
    tick();
    document.addEventListener('visibilitychange', tick);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', tick);
    };
  }, [atMs, clock]);
  return seconds;
}
