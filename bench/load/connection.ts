/**
 * One kept connection with at most one request on it, over a raw socket: a browser's view of the server at a cost that
 * leaves the machine to the server. It reconnects by itself when the server closes.
 */
import { connect, type Socket } from 'node:net';
import { type Answer, createResponseParser } from './response-parser.ts';

/** A request under way. Times are milliseconds of the generator's own clock. */
export interface Exchange {
  readonly number: number;
  readonly intendedMs: number;
  readonly sentMs: number;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Connection {
  /** What is on it; null when there is nothing. */
  readonly exchange: Exchange | null;
  /** Connected, and nothing on it. */
  readonly isFree: boolean;
  /** Since when it has been free, by the generator's clock. */
  readonly freeSinceMs: number;
  /** Sends a whole request, one character a byte. Only on a free connection. */
  send(text: string, exchange: Exchange): void;
  /** Drops the socket, and with it whatever is under way, and connects anew. */
  renew(): void;
  close(): void;
}

export interface ConnectionEvents {
  /** Connected, and again after each answer. */
  readonly free: (connection: Connection) => void;
  readonly answered: (exchange: Exchange, answer: Answer) => void;
  /** No whole answer will come. */
  readonly lost: (exchange: Exchange) => void;
}

export interface ConnectionOptions {
  readonly address: Address;
  readonly keepBodies: boolean;
}

const closes = /\r\nconnection: close/i;
const reconnectMs = 50;
/** One for all: a callback has read it before the next socket is read. */
const arrived = Buffer.alloc(65_536);

export function openConnection(options: ConnectionOptions, events: ConnectionEvents): Connection {
  const { address, keepBodies } = options;
  let socket: Socket | null = null;
  let exchange: Exchange | null = null;
  let freeSinceMs = 0;
  let connected = false;
  let closed = false;

  const becomeFree = () => {
    freeSinceMs = performance.now();
    events.free(connection);
  };

  const dial = () => {
    if (closed) return;
    const parser = createResponseParser((answer) => {
      const asked = exchange;
      if (!asked) throw new Error('an answer to nothing');
      exchange = null;
      events.answered(asked, answer);
      // A server that stops says so, and hears nothing more on this connection.
      if (closes.test(answer.head)) dialled.destroy();
      else becomeFree();
    }, keepBodies);
    const dialled = connect({ ...address, noDelay: true, onread: { buffer: arrived, callback: read } });
    socket = dialled;
    function read(length: number): boolean {
      try {
        parser.feed(arrived.toString('latin1', 0, length));
      } catch {
        dialled.destroy();
      }
      return true;
    }
    dialled.on('connect', () => {
      connected = true;
      becomeFree();
    });
    dialled.on('end', () => dialled.destroy());
    dialled.on('error', () => {}); // the close that follows says so
    dialled.on('close', () => {
      if (socket === dialled) dropped();
    });
  };

  /** The socket is gone: tell whose answer is lost, and dial again soon. */
  const dropped = () => {
    socket = null;
    connected = false;
    const asked = exchange;
    exchange = null;
    if (asked) events.lost(asked);
    if (!closed) setTimeout(dial, reconnectMs);
  };

  const connection: Connection = {
    get exchange() {
      return exchange;
    },
    get isFree() {
      return connected && !exchange;
    },
    get freeSinceMs() {
      return freeSinceMs;
    },
    send(text, asked) {
      exchange = asked;
      // A socket that is just going swallows this; its close event then reports the exchange as lost.
      socket?.write(text, 'latin1');
    },
    renew() {
      socket?.destroy();
    },
    close() {
      closed = true;
      socket?.destroy();
    },
  };
  dial();
  return connection;
}
