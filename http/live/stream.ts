/**
 * Server-sent events as a line of an audience: the WebSocket's messages, for networks that let no WebSocket through.
 * What a client wants to say, it says over REST.
 */
import type { Rejection } from '../../engine/outcome.ts';
import type { Deps } from '../deps.ts';
import type { Farewell } from '../live-view.ts';
import type { AnyCall, OpenAnswer } from '../route.ts';
import type { LiveLine } from './audience.ts';
import type { Seat } from './live-rooms.ts';
import { goodbyeMessage } from './messages.ts';

export const eventStream = 'text/event-stream';

/**
 * A stream hears nothing of its client. It ends by itself after a while, so that somebody who has vanished, or whose token
 * has run out, does not keep a place with it for long; whoever is there opens the next one at once.
 */
const streamMsMax = 120_000;

const before = Buffer.from('data: ');
const after = Buffer.from('\n\n');
/** A comment: asks the line whether it is free, and says nothing. */
const probe = Buffer.from(':\n\n');

export interface Following {
  readonly eventId: string;
  /** Whether what is left of each zone is to be told, too. */
  readonly availability: boolean;
}

/** Answers `call` with a stream of what its user is told of the event. Null: done; else why not. */
export function openStream(
  call: AnyCall,
  userId: string,
  following: Following,
  deps: Pick<Deps, 'live' | 'clock' | 'ids'>,
): Rejection | null {
  const { live } = deps;
  const opened = live.open('stream', call.address());
  if (!opened.ok) return opened.rejection;
  const close = () => {
    opened.value();
    live.release(userId);
  };
  if (!live.claim(userId)) {
    opened.value();
    return { code: 'RATE_LIMITED', details: { connections: 'too many of this user' }, retryAfterSeconds: 10 };
  }
  const line = new StreamLine(userId, deps, close);
  const answer = call.stream(eventStream, () => line.gone());
  if (answer) line.begin(answer, following);
  else close();
  return null;
}

class StreamLine implements LiveLine {
  readonly id: string;
  readonly userId: string;
  readonly #deps: Pick<Deps, 'live' | 'clock'>;
  readonly #close: () => void;
  readonly #openedAtMs: number;
  #answer: OpenAnswer | null = null;
  #seat: Seat | null = null;
  #isBehind = false;

  constructor(userId: string, { live, clock, ids }: Pick<Deps, 'live' | 'clock' | 'ids'>, close: () => void) {
    this.userId = userId;
    this.id = ids.next();
    this.#deps = { live, clock };
    this.#close = close;
    this.#openedAtMs = clock.now();
  }

  begin(answer: OpenAnswer, { eventId, availability }: Following): void {
    this.#answer = answer;
    const seat = this.#deps.live.follow(eventId, this, null);
    if (availability) seat.hear({ type: 'subscribe_availability' });
    // The room may have refused at once.
    if (this.#answer === null) seat.leave();
    else this.#seat = seat;
  }

  gone(): void {
    if (this.#answer === null) return;
    this.#answer = null;
    this.#close();
    this.#seat?.leave();
  }

  send(message: Uint8Array): void {
    this.sendTogether([message]);
  }

  sendTogether(messages: readonly Uint8Array[]): void {
    this.#write(Buffer.concat(messages.flatMap((message) => [before, message, after])));
  }

  isBehind(): boolean {
    if (this.#isBehind) this.#write(probe);
    return this.#isBehind;
  }

  beat(nowMs: number): void {
    if (nowMs - this.#openedAtMs > streamMsMax) this.end('stream_over');
  }

  end(why: Farewell): void {
    const answer = this.#answer;
    if (answer === null) return;
    this.#deps.live.ended(why);
    this.send(goodbyeMessage(why, this.#deps.live.count('stream')));
    if (this.#isBehind) {
      answer.close();
      return;
    }
    answer.cork(() => answer.end());
    this.gone();
  }

  #write(piece: Uint8Array): void {
    this.#answer?.cork(() => {
      this.#isBehind = this.#answer?.write(piece) === false;
    });
  }
}
