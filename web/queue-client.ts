/**
 * Follows a waiting room for one person: over a WebSocket, else by server-sent events, else by asking; whichever gets through.
 * It reconnects by itself, as spread out as the server asks, and goes on where it was. It knows no framework and no page.
 *
 * Joining and leaving are requests of their own (`POST /queue/join`): this only looks on.
 */
import { type Answer, type Refusal, refused } from './api/refusal.ts';
import type { End, Line, Listener, News, OpenLine } from './queue/line.ts';
import { overPolling } from './queue/polling.ts';
import { overSocket, type SocketMaker } from './queue/socket.ts';
import { heard, isOvertaken, nothingKnown, type Standing } from './queue/standing.ts';
import { overStream } from './queue/stream.ts';

export interface QueueOptions {
  /** Where the API is: `https://tickets.example`. */
  readonly origin: string;
  readonly eventId: string;
  /** A good access token; null: nobody is logged in any more. */
  readonly token: () => Promise<string | null>;
  /** The API refused this one. */
  readonly tokenRefused: (token: string) => void;
  /** Called with each change, and with a refusal as the last. `over` tells how it came. */
  readonly show: (standing: Answer<Standing>, over: Way) => void;
  /** Whether what is left of each zone is wanted, too. @default false */
  readonly availability?: boolean;
  /** Called with what is left of a zone, and with what becomes of one's bookings of the event. */
  readonly news?: (news: News) => void;
  /** Called when nothing gets through at the moment; it is tried again after so long. */
  readonly lost: (againInMs: number) => void;
  /** Null: there is none here. */
  readonly WebSocket: SocketMaker | null;
  /** 0 … 1. @default Math.random */
  readonly chance?: () => number;
}

type Way = 'socket' | 'stream' | 'polling';

/** Messages come once a second: after so long without, the other end is gone, though nobody told us. */
const silentMs = 10_000;
const firstPauseMs = 500;
const longestPauseMs = 10_000;
/** A way on which nothing ever came is given up after so many tries. */
const triesOfAWay = 2;

/** Refusals that pass by themselves. */
const passing: ReadonlySet<string> = new Set(['SERVICE_UNAVAILABLE', 'RATE_LIMITED', 'INTERNAL_ERROR']);

/** Follows until the result is called. */
export function followQueue(options: QueueOptions): () => void {
  const follower = new Follower(options);
  void follower.connect();
  return () => follower.end();
}

/** How long to wait before the next try when the server has not said. */
export function pauseAfter(failures: number, chance: number): number {
  const longestMs = Math.min(longestPauseMs, firstPauseMs * 2 ** failures);
  // Somewhere in the upper half: those who fell together must not come back together.
  return Math.round((longestMs * (1 + chance)) / 2);
}

/** Later than asked rather than sooner, and not all of those who were told the same in the same instant. */
export function spreadOver(askedSeconds: number, chance: number): number {
  return Math.round(Math.max(1, askedSeconds) * 1_000 * (1 + chance / 2));
}

class Follower {
  readonly #options: QueueOptions;
  readonly #chance: () => number;
  readonly #ways: readonly (readonly [Way, OpenLine])[];
  #way = 0;
  /** Tries of this way since a message came. */
  #failures = 0;
  #isTokenRefused = false;
  #known = nothingKnown;
  #resume: string | null = null;
  #line: Line | null = null;
  #isOver = false;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #pause: ReturnType<typeof setTimeout> | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#chance = options.chance ?? Math.random;
    const socket = options.WebSocket;
    this.#ways = [
      ...(socket ? [['socket', overSocket(socket)] as const] : []),
      ['stream', overStream],
      ['polling', overPolling],
    ];
  }

  async connect(): Promise<void> {
    const { origin, eventId, token: readToken, availability = false } = this.#options;
    const token = await readToken();
    if (this.#isOver) return;
    if (token === null) {
      this.#refuse('UNAUTHORIZED');
      return;
    }
    const [way, open] = this.#ways[this.#way] ?? ['polling', overPolling];
    let line: Line | null = null;
    /** Of a line that was given up nothing counts any more. */
    const isCurrent = () => !this.#isOver && (line === null || line === this.#line);
    line = open(
      { origin, eventId, token, resume: this.#resume, availability },
      {
        hear: (message) => {
          if (!isCurrent()) return;
          this.#listen();
          this.#hear(message, way);
        },
        ended: (end) => {
          if (isCurrent()) this.#ended(end, token);
        },
      },
    );
    this.#line = line;
    this.#listen();
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#pause);
    this.#hangUp();
  }

  #hear(message: Parameters<Listener['hear']>[0], way: Way): void {
    if (message.type === 'goodbye') {
      this.#goodbye(message.why, message.reconnect_after_ms);
      return;
    }
    this.#failures = 0;
    this.#isTokenRefused = false;
    if (message.type === 'availability' || message.type === 'booking' || message.type === 'notification') {
      this.#options.news?.(message);
      return;
    }
    if (message.type === 'welcome') this.#resume = message.resume;
    const before = this.#known;
    this.#known = heard(before, message);
    if (isOvertaken(before) && isOvertaken(this.#known)) this.#line?.ask();
    const { place, room, left } = this.#known;
    if (this.#known !== before && place && room)
      this.#options.show({ ok: true, value: { place, room, left }, meta: {} }, way);
  }

  #goodbye(why: string, afterMs: number | null): void {
    this.#hangUp();
    if (why === 'unknown_event') this.#refuse('NOT_FOUND');
    else if (afterMs === null) this.end();
    else {
      // A stream that has had its time: the network may be a better one by now. One failure leads back.
      if (why === 'stream_over') {
        this.#way = 0;
        this.#failures = triesOfAWay - 1;
      }
      this.#again(afterMs);
    }
  }

  #ended({ refusal }: End, token: string): void {
    this.#hangUp();
    if (refusal && !passing.has(refusal.code)) {
      const mayRenew = refusal.code === 'UNAUTHORIZED' && !this.#isTokenRefused;
      if (!mayRenew) this.#refuse(refusal.code);
      else {
        this.#isTokenRefused = true;
        this.#options.tokenRefused(token);
        this.#again(0);
      }
      return;
    }
    this.#failures++;
    const asked = refusal?.retryAfterSeconds ?? null;
    const pauseMs = asked === null ? pauseAfter(this.#failures, this.#chance()) : spreadOver(asked, this.#chance());
    if (this.#failures >= triesOfAWay && this.#way < this.#ways.length - 1) {
      this.#way++;
      this.#failures = 0;
    } else if (this.#failures >= triesOfAWay) this.#options.lost(pauseMs);
    this.#again(pauseMs);
  }

  #again(afterMs: number): void {
    this.#pause = setTimeout(() => void this.connect(), afterMs);
  }

  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#ended({}, ''), silentMs);
  }

  #hangUp(): void {
    clearTimeout(this.#silence);
    this.#line?.close();
    this.#line = null;
  }

  #refuse(code: Refusal['code']): void {
    this.end();
    this.#options.show(refused(code), this.#ways[this.#way]?.[0] ?? 'polling');
  }
}
