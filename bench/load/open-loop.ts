/**
 * Open loop: every request is sent when it is due, on a free connection, else as soon as one is free; the wait counts.
 * Who has waited longer than `timeoutMs` gives up, whether sent or not.
 *
 * The clock of Node's timers ticks in milliseconds, so a request leaves up to about one millisecond late. Latencies from
 * the intended time include that; spinning instead would take a core from the server on the same machine.
 */
import { type Address, type Connection, type Exchange, openConnection } from './connection.ts';
import type { Answer } from './response-parser.ts';
import type { Arrivals } from './schedule.ts';

/** Why there is no answer: given up, cut off, or never sent because no connection became free in time. */
export type NoAnswer = 'timeout' | 'reset' | 'unsent';

/** What a loop is to do, and who hears of it. All times are `performance.now()`. */
export interface Work {
  readonly address: Address;
  readonly connections: number;
  readonly timeoutMs: number;
  /** Who gets no connection for so long goes without having asked. */
  readonly unsentMs: number;
  readonly keepBodies: boolean;
  /** The whole request, one character a byte. */
  readonly compose: (asked: Pick<Exchange, 'number' | 'intendedMs'>) => string;
  /** Told of each request once. `sentMs` of one that was not sent is when it was given up. */
  readonly settle: (exchange: Exchange, answer: Answer | NoAnswer, nowMs: number) => void;
  readonly nextNumber: () => number;
}

export interface OpenLoopTiming {
  readonly startMs: number;
  readonly arrivals: Arrivals;
  /** A request is due: told before it is sent. */
  readonly due: (intendedMs: number) => void;
  /** How many are due and not sent. */
  readonly backlog: (length: number, nowMs: number) => void;
}

const sweepMs = 100;
/** Servers close connections that were idle for 10 s (uWebSockets.js) and longer; a request must not meet that. */
const idleMaxMs = 8_000;

/** Resolves when every request is settled and the connections are closed. */
export function runOpenLoop(work: Work, { startMs, arrivals, due, backlog }: OpenLoopTiming): Promise<void> {
  return new Promise((resolve) => {
    const free = new Line<Connection>();
    const waiting = new Line<number>();
    let nextMs = startMs + arrivals();
    let underWay = 0;

    const settle = (exchange: Exchange, answer: Answer | NoAnswer) => {
      underWay--;
      work.settle(exchange, answer, performance.now());
    };
    const connections = Array.from({ length: work.connections }, () =>
      openConnection(work, {
        free(connection) {
          free.push(connection);
          pump();
        },
        answered: settle,
        lost: (exchange) => settle(exchange, whyLost(exchange, work.timeoutMs)),
      }),
    );

    const pump = () => {
      const nowMs = performance.now();
      for (; nextMs <= nowMs; nextMs = startMs + arrivals()) {
        due(nextMs);
        waiting.push(nextMs);
      }
      while (waiting.length > 0) {
        const intendedMs = waiting.first as number;
        const connection = nowMs - intendedMs > work.unsentMs ? null : takeFree(free, nowMs);
        if (connection === undefined) break;
        waiting.shift();
        underWay++;
        const exchange = { number: work.nextNumber(), intendedMs, sentMs: nowMs };
        if (connection) connection.send(work.compose(exchange), exchange);
        else settle(exchange, 'unsent');
      }
      backlog(waiting.length, nowMs);
    };

    const ticker = setInterval(() => {
      pump();
      if (nextMs !== Number.POSITIVE_INFINITY || waiting.length > 0 || underWay > 0) return;
      clearInterval(ticker);
      clearInterval(sweeper);
      for (const connection of connections) connection.close();
      resolve();
    }, 1);
    const sweeper = setInterval(() => giveUpOn(connections, work.timeoutMs), sweepMs);
  });
}

/** Renews the connections whose requests have taken too long. */
export function giveUpOn(connections: readonly Connection[], timeoutMs: number): void {
  const sinceMs = performance.now() - timeoutMs;
  for (const connection of connections)
    if (connection.exchange && connection.exchange.intendedMs < sinceMs) connection.renew();
}

export function whyLost({ intendedMs }: Exchange, timeoutMs: number): NoAnswer {
  return performance.now() - intendedMs > timeoutMs ? 'timeout' : 'reset';
}

/** The one that has been free for longest, so that none idles; undefined when there is none. */
function takeFree(free: Line<Connection>, nowMs: number): Connection | undefined {
  for (;;) {
    const connection = free.shift();
    if (!connection) return undefined;
    if (!connection.isFree) continue;
    if (nowMs - connection.freeSinceMs < idleMaxMs) return connection;
    connection.renew();
  }
}

/** First in, first out, without moving what stays. */
class Line<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (this.#head < this.#items.length) this.#head++;
    if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
