/** The real world as the actors see it: the machine's clock, timers and randomness, and turns at once. */
import { randomFillSync } from 'node:crypto';
import type { Ids, World } from './engine/ports.ts';

/** Node fires a longer delay at once; whoever waits longer than 24 days is woken early and waits again. */
const timeoutMaxMs = 2 ** 31 - 1;

export function realWorld(): World {
  const clock = { now: () => Date.now() };
  return {
    clock,
    timers: {
      after(delayMs, run) {
        // A hold that ends in ten minutes is no reason for a process to stay that has nothing else to do.
        const timer = setTimeout(run, Math.min(delayMs, timeoutMaxMs)).unref();
        return () => clearTimeout(timer);
      },
    },
    ids: randomIds(clock.now),
    random: { next: () => Math.random() },
    // nact defers each turn to the event loop itself.
    turns: { schedule: (run) => run(nothing) },
  };
}

const nothing = () => {};

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const idsPerRefill = 512;

/** UUID v7 (RFC 9562 §5.7): 48 bits of milliseconds, 74 random bits, drawn from the system in bulk. */
function randomIds(now: () => number): Ids {
  const pool = new Uint8Array(16 * idsPerRefill);
  let used = pool.length;
  return {
    next() {
      if (used >= pool.length) {
        randomFillSync(pool);
        used = 0;
      }
      const time = now().toString(16).padStart(12, '0');
      const at = used + 6;
      used += 16;
      const hex = (index: number) => hexOfByte[pool[at + index] as number] as string;
      const versioned = hexOfByte[0x70 | ((pool[at] as number) & 0x0f)] as string;
      const varianted = hexOfByte[0x80 | ((pool[at + 2] as number) & 0x3f)] as string;
      return `${time.slice(0, 8)}-${time.slice(8)}-${versioned}${hex(1)}-${varianted}${hex(3)}-${hex(4)}${hex(5)}${hex(6)}${hex(7)}${hex(8)}${hex(9)}`;
    },
  };
}
