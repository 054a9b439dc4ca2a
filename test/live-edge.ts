/** A real HTTP server with live connections to a room that a test plays itself, and a clock that only the test moves. */
import { randomUUID } from 'node:crypto';
import type { RoomAddress, RoomListener, RoomNews, RoomRequest, Standing } from '../actors/waiting-room-requests.ts';
import { accept, type Outcome, unavailable } from '../engine/outcome.ts';
import { createLiveRooms, type LiveRoomsDeps } from '../http/live/live-rooms.ts';
import type { PassSeal } from '../http/pass-seal.ts';
import { queueRoutes } from '../http/routes/queue.ts';
import { startEdge, type TestEdge } from './edge.ts';

const startMs = Date.UTC(2030, 0, 1);

export const calm: RoomNews = {
  version: 1,
  atMs: startMs,
  mode: 'open',
  soldOut: false,
  saleStartMs: startMs - 1,
  commitment: null,
  waiting: 0,
  zones: [],
  admittedTotal: 0,
  lines: { priority: { head: 0, tail: 0, gone: [] }, regular: { head: 0, tail: 0, gone: [] } },
  rates: [],
  maxConcurrent: 100,
  ratePerMinute: null,
};

export interface LiveEdge extends TestEdge {
  readonly eventId: string;
  /** Of the room, in order. */
  readonly requests: readonly RoomRequest[];
  /** Why connections were ended. */
  readonly farewells: readonly string[];
  readonly listeners: ReadonlySet<RoomListener>;
  /** Where everybody stands who asks. */
  standing: Standing | null;
  /** While true, the room has no time for anybody. */
  busy: boolean;
  /** Tells everybody, at a later moment. */
  tick(news?: Partial<RoomNews>, afterMs?: number): void;
  counted(kind: 'socket' | 'stream'): number;
  asked(kind: RoomRequest['kind']): number;
}

export async function startLiveEdge(given: Partial<LiveRoomsDeps> = {}, origins: readonly string[] = []) {
  const requests: RoomRequest[] = [];
  const farewells: string[] = [];
  const listeners = new Set<RoomListener>();
  let nowMs = startMs;
  let news = calm;
  const clock = { now: () => nowMs };
  const room: RoomAddress = {
    send(request) {
      if (edge.busy) {
        request.reply(unavailable('busy'));
        return;
      }
      requests.push(request);
      const reply = request.reply as (outcome: Outcome<unknown>) => void;
      reply(accept(request.kind === 'look' ? { standing: edge.standing, news } : null));
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    news: null,
    door: 'a door',
  };
  const passSeal = { seal: async () => 'a.pass' } as unknown as PassSeal;
  const roomOf = () => room;
  const live = createLiveRooms({
    roomOf,
    passSeal,
    clock,
    connectionsMax: 100,
    parts: 1,
    perClient: null,
    ended: (why) => void farewells.push(why),
    ...given,
  });
  const started = await startEdge(queueRoutes, { live, clock, passSeal, roomOf }, { live, corsOrigins: origins });
  const edge: LiveEdge = {
    ...started,
    eventId: randomUUID(),
    requests,
    farewells,
    listeners,
    standing: null,
    busy: false,
    tick(changes = {}, afterMs = 1_000) {
      nowMs += afterMs;
      news = { ...news, version: news.version + 1, ...changes, atMs: nowMs };
      for (const listener of listeners) listener.tick(news);
    },
    counted: (kind) => live.count(kind),
    asked: (kind) => requests.filter((request) => request.kind === kind).length,
  };
  return edge;
}
