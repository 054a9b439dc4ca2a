/** The real world as the actors see it: the machine's clock, timers and randomness, and turns at once. */
import { hash, randomFillSync } from 'node:crypto';
import type { Ids, World } from './engine/ports.ts';
import type { Sha256 } from './engine/queue-log.ts';

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
    thread: {
      spent() {
        const { active: busyMs, idle: idleMs } = performance.eventLoopUtilization();
        return { busyMs, idleMs };
      },
    },
  };
}

/** What waiting rooms chain their logs with, and whoever checks one. */
export const sha256: Sha256 = (text) => hash('sha256', text, 'hex');

const nothing = () => {};

const digits = Buffer.from('0123456789abcdef');
const dash = 0x2d;
const idsPerRefill = 512;

/** UUID v7 (RFC 9562 §5.7): 48 bits of milliseconds, 74 random bits, drawn from the system in bulk. */
function randomIds(now: () => number): Ids {
  const pool = new Uint8Array(10 * idsPerRefill);
  let used = pool.length;
  const bytes = Buffer.alloc(16);
  // Written to one place and read out in one piece: an id that is put together of parts stays in parts.
  const text = Buffer.alloc(36);
  return {
    next() {
      if (used >= pool.length) {
        randomFillSync(pool);
        used = 0;
      }
      bytes.writeUIntBE(now(), 0, 6);
      bytes.set(pool.subarray(used, used + 10), 6);
      used += 10;
      bytes[6] = 0x70 | ((bytes[6] as number) & 0x0f);
      bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f);
      let at = 0;
      for (let i = 0; i < 16; i++) {
        if (i === 4 || i === 6 || i === 8 || i === 10) text[at++] = dash;
        const byte = bytes[i] as number;
        text[at++] = digits[byte >> 4] as number;
        text[at++] = digits[byte & 0x0f] as number;
      }
      return text.toString('latin1');
    },
  };
}
