/**
 * How work that nobody waits for gives way to the sale, with which it shares a thread: after each step of such work the
 * thread must have been idle for as long as it was busy while the step ran, before the next one may begin. What the sale
 * did meanwhile counts too, so the busier it is, the longer the rest; a thread with nothing else to do is rested soon.
 *
 * Whoever keeps the pace makes its steps small: nothing can be taken back from a step that has begun.
 */
import type { World } from '../engine/ports.ts';

/** Ends the step; resolves when the next may begin. */
export type Rest = () => Promise<void>;

export interface Pace {
  /** A step of work begins now. */
  begin(): Rest;
}

/** However busy the thread is, what must be told goes on being told. */
const restMaxMs = 250;

export function createPace({ timers, thread }: Pick<World, 'timers' | 'thread'>): Pace {
  return {
    begin() {
      const before = thread.spent();
      return async () => {
        const after = thread.spent();
        const owedMs = after.busyMs - before.busyMs;
        for (;;) {
          const { busyMs, idleMs } = thread.spent();
          const rested = idleMs - after.idleMs;
          const leftMs = restMaxMs - rested - (busyMs - after.busyMs);
          const waitMs = Math.min(owedMs - rested, leftMs);
          if (waitMs <= 0) return;
          await new Promise<void>((resolve) => timers.after(Math.ceil(waitMs), resolve));
        }
      };
    },
  };
}
