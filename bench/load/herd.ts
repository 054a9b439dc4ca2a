/**
 * A herd: so many people who open the page in the same instant. Each has a socket of its own, asks once and leaves; the
 * time to connect counts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Connection, type Exchange, openConnection } from './connection.ts';
import { giveUpOn, type Work, whyLost } from './open-loop.ts';

export interface HerdTiming {
  readonly atMs: number;
  readonly sockets: number;
  /** True: the sockets are open before the instant, and only the requests come together. */
  readonly connectsBefore: boolean;
  readonly due: (intendedMs: number) => void;
}

const sweepMs = 100;
/** Enough for the sockets to be there before the instant. */
const connectAheadMs = 1_000;

/** Resolves when everybody has an answer or has given up. */
export async function runHerd(work: Work, { atMs, sockets, connectsBefore, due }: HerdTiming): Promise<void> {
  await delay(Math.max(0, atMs - performance.now() - (connectsBefore ? connectAheadMs : 0)));
  const members = Array.from({ length: sockets }, () => joinHerd(work));
  if (connectsBefore) await delay(Math.max(0, atMs - performance.now()));
  for (const member of members) {
    due(atMs);
    member.go(atMs);
  }
  const connections = members.map(({ connection }) => connection);
  while (members.some(({ isDone }) => !isDone())) {
    await delay(sweepMs);
    giveUpOn(connections, work.timeoutMs);
    for (const member of members) member.giveUp();
  }
}

interface Member {
  readonly connection: Connection;
  /** The instant has come: asks now, or as soon as it is connected. */
  go(intendedMs: number): void;
  /** Leaves when it waits for a connection for too long. */
  giveUp(): void;
  isDone(): boolean;
}

function joinHerd(work: Work): Member {
  let asked: { readonly number: number; readonly intendedMs: number } | null = null;
  let sent = false;
  let done = false;
  const ask = () => {
    if (!asked || sent || !connection.isFree) return;
    sent = true;
    connection.send(work.compose(asked), { ...asked, sentMs: performance.now() });
  };
  const finish = (exchange: Exchange, answer: Parameters<Work['settle']>[1]) => {
    done = true;
    connection.close();
    work.settle(exchange, answer, performance.now());
  };
  const connection: Connection = openConnection(work, {
    free: ask,
    answered: finish,
    lost: (exchange) => finish(exchange, whyLost(exchange, work.timeoutMs)),
  });
  return {
    connection,
    go(intendedMs) {
      asked = { number: work.nextNumber(), intendedMs };
      ask();
    },
    giveUp() {
      const nowMs = performance.now();
      if (done || sent || !asked || nowMs - asked.intendedMs < work.timeoutMs) return;
      finish({ ...asked, sentMs: nowMs }, 'unsent');
    },
    isDone: () => done,
  };
}
