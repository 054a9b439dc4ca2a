/**
 * Closed loop: each connection sends its next request when the last is answered. It finds how much a server can do; its
 * latencies are those of that many clients who wait politely, not of a crowd.
 */
import { type Connection, type Exchange, openConnection } from './connection.ts';
import { giveUpOn, type Work, whyLost } from './open-loop.ts';

export interface ClosedLoopTiming {
  readonly startMs: number;
  readonly endMs: number;
  readonly due: (intendedMs: number) => void;
}

const sweepMs = 100;

/** Resolves when the time is over, what is under way is settled and the connections are closed. */
export function runClosedLoop(work: Work, { startMs, endMs, due }: ClosedLoopTiming): Promise<void> {
  return new Promise((resolve) => {
    let underWay = 0;
    const send = (connection: Connection) => {
      const nowMs = performance.now();
      if (nowMs < startMs || nowMs >= endMs || !connection.isFree) return;
      const exchange: Exchange = { number: work.nextNumber(), intendedMs: nowMs, sentMs: nowMs };
      due(nowMs);
      underWay++;
      connection.send(work.compose(exchange), exchange);
    };
    const connections = Array.from({ length: work.connections }, () =>
      openConnection(work, {
        free: send,
        answered(exchange, answer) {
          underWay--;
          work.settle(exchange, answer, performance.now());
        },
        lost(exchange) {
          underWay--;
          work.settle(exchange, whyLost(exchange, work.timeoutMs), performance.now());
        },
      }),
    );
    // Timers count in whole milliseconds: one may fire a fraction before its time, when nothing may be sent yet.
    const begin = () => {
      const earlyMs = startMs - performance.now();
      if (earlyMs > 0) setTimeout(begin, earlyMs);
      else connections.forEach(send);
    };
    begin();
    const sweeper = setInterval(() => {
      giveUpOn(connections, work.timeoutMs);
      if (performance.now() < endMs || underWay > 0) return;
      clearInterval(sweeper);
      for (const connection of connections) connection.close();
      resolve();
    }, sweepMs);
  });
}
