/** The live connections of a node: an audience for each waiting room that somebody follows, and how many there may be. */
import type { RoomAddress } from '../../actors/waiting-room-requests.ts';
import { accept, type Outcome, reject, unavailable } from '../../engine/outcome.ts';
import type { ClientMessage, Farewell } from '../live-view.ts';
import { Audience, type AudienceDeps, type LiveLine } from './audience.ts';
import { PacedWork } from './paced-work.ts';
import { Turnstile } from './turnstile.ts';

export interface LiveRoomsDeps extends Pick<AudienceDeps, 'clock' | 'passSeal' | 'parts'> {
  readonly roomOf: (eventId: string) => RoomAddress;
  /** Connections of all kinds together; the system's limit of open files is above it. */
  readonly connectionsMax: number;
  /** Connections of one user and of one client address; null: as many as they like. */
  readonly perClient: { readonly userMax: number; readonly addressMax: number } | null;
  /** Told of each connection that the server ended. */
  readonly ended: (why: Farewell) => void;
}

export type LineKind = 'socket' | 'stream';

/** A connection's place in an audience. */
export interface Seat {
  hear(message: Exclude<ClientMessage, { type: 'hello' }>): void;
  /** Must be called when the connection is closed, by whomever. */
  leave(): void;
}

export interface LiveRooms {
  /** Counts a connection in; the value counts it out again. Refused with RATE_LIMITED or SERVICE_UNAVAILABLE. */
  open(kind: LineKind, address: string): Outcome<() => void>;
  /** Counts a user's connection; false when they have too many. Each needs its `release`. */
  claim(userId: string): boolean;
  release(userId: string): void;
  follow(eventId: string, line: LiveLine, resume: string | null): Seat;
  count(kind: LineKind): number;
  readonly ended: (why: Farewell) => void;
  /** Takes nobody any more and sends everybody away; resolves when all are told. */
  drain(): Promise<void>;
}

export function createLiveRooms(deps: LiveRoomsDeps): LiveRooms {
  const audiences = new Map<string, Audience>();
  const turnstile = new Turnstile();
  const paced = new PacedWork();
  const { clock, passSeal, parts, roomOf, connectionsMax, perClient } = deps;
  const all = 'all';
  let isDraining = false;

  const audienceOf = (eventId: string): Audience => {
    const present = audiences.get(eventId);
    if (present) return present;
    const made = new Audience({ clock, passSeal, paced, parts }, eventId, roomOf(eventId));
    audiences.set(eventId, made);
    return made;
  };

  return {
    open(kind, address) {
      if (isDraining) return unavailable('the server stops');
      const fromAddress = `address ${address}`;
      if (!turnstile.enter(all, connectionsMax)) return unavailable('too many live connections: ask instead');
      if (!turnstile.enter(fromAddress, perClient?.addressMax)) {
        turnstile.leave(all);
        return reject('RATE_LIMITED', { connections: 'too many from this address' });
      }
      turnstile.enter(kind);
      return accept(() => {
        for (const key of [all, fromAddress, kind]) turnstile.leave(key);
      });
    },
    claim: (userId) => turnstile.enter(userId, perClient?.userMax),
    release: (userId) => turnstile.leave(userId),
    follow(eventId, line, resume) {
      const audience = audienceOf(eventId);
      const member = audience.enter(line, resume);
      return {
        hear: (message) => audience.hear(member, message),
        leave() {
          audience.leave(member);
          if (audience.size > 0 || audiences.get(eventId) !== audience) return;
          audience.close();
          audiences.delete(eventId);
        },
      };
    },
    count: (kind) => turnstile.count(kind),
    ended: deps.ended,
    async drain() {
      isDraining = true;
      const dismissed = [...audiences.values()].map((audience) => audience.dismiss());
      await Promise.all(dismissed.map((work) => new Promise<void>((resolve) => paced.add(ending(work, resolve)))));
    },
  };
}

function* ending(work: Generator<void>, ended: () => void): Generator<void> {
  yield* work;
  ended();
}
