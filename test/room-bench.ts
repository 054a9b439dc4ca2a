/** A waiting room in a simulated world over a log in memory, and what everybody in it was told. */
import { type Actors, createActors } from '../actors/kit.ts';
import { type LocalRoom, startWaitingRoom } from '../actors/waiting-room.ts';
import type { PassTerms, PersonalNews, RoomNews, RoomRequest } from '../actors/waiting-room-requests.ts';
import type { Stock } from '../engine/admission.ts';
import type { Outcome } from '../engine/outcome.ts';
import type { RoomMode } from '../engine/waiting-room.ts';
import { createMemoryJournal } from '../persistence/memory/journal.ts';
import { MemoryRoomLedger } from '../persistence/memory/room-ledger.ts';
import type { Wire } from '../persistence/memory/wire.ts';
import { sha256 } from '../world.ts';
import { SimulatedWorld } from './sim/world.ts';

const eventId = '00000000-0000-7000-8000-00000000e000';
export const startMs = Date.UTC(2030, 0, 1);
export const tickMs = 1_000;
const inboxMax = 10_000;

export interface RoomBench {
  readonly world: SimulatedWorld;
  readonly actors: Actors;
  readonly ledger: MemoryRoomLedger;
  readonly room: LocalRoom;
  readonly news: RoomNews[];
  readonly passes: PassTerms[];
  readonly gone: string[];
  readonly personal: [userId: string, news: PersonalNews][];
  readonly doubts: string[];
  /** What the room left to its next owner. */
  readonly handedOn: RoomRequest[];
  /** Requests that may wait for the room. */
  readonly inboxMax: number;
  /** Lets time pass, and what is due happen. */
  pass(ms: number): Promise<void>;
  /** Sets the clock forward or back. */
  jump(ms: number): void;
  /** Sends a request and answers what came of it by the time that things were quiet. */
  ask(request: Unanswered<RoomRequest>): Promise<Outcome<unknown>>;
}

type Unanswered<Request> = Request extends RoomRequest ? Omit<Request, 'reply'> : never;

const openStock: Stock = {
  ...{ saleStartMs: startMs - 1, saleEndMs: startMs + 86_400_000 },
  ...{ available: 1_000, held: 0, zones: [] },
};

export function roomBench(
  given: {
    readonly seed?: number;
    readonly mode?: RoomMode;
    /** @default 1 */
    readonly newsPerTick?: number;
    readonly stock?: Partial<Stock>;
    readonly wire?: Wire;
    /** A log that was begun elsewhere. */
    readonly ledger?: MemoryRoomLedger;
  } = {},
): RoomBench {
  const world = new SimulatedWorld(given.seed ?? 1, startMs);
  let jumpedMs = 0;
  const { timers, ids, random, turns, thread } = world;
  const clock = { now: () => world.clock.now() + jumpedMs };
  const actors = createActors({ clock, timers, ids, random, turns, thread }, createMemoryJournal(), {
    crashed: () => {},
    abandoned: () => {},
  });
  const stock = { ...openStock, ...given.stock };
  const ledger = given.ledger ?? new MemoryRoomLedger(eventId, { mode: given.mode ?? 'open', stock }, given.wire);
  const doubts: string[] = [];
  const handedOn: RoomRequest[] = [];
  const room = startWaitingRoom(eventId, {
    actors,
    ledger,
    lease: async () => {},
    sha256,
    limits: { batchMax: 256, inboxMax, tickMs, newsPerTick: given.newsPerTick ?? 1 },
    watch: { admitted: () => {}, doubted: (_event, why) => void doubts.push(why) },
    gone: () => {},
    handOn: (_event, request) => void handedOn.push(request),
  });
  const news: RoomNews[] = [];
  const passes: PassTerms[] = [];
  const gone: string[] = [];
  const personal: RoomBench['personal'] = [];
  room.subscribe({
    anew: () => {},
    tick: (one) => void news.push(one),
    admitted: (one) => void passes.push(one),
    left: (userId, why) => void gone.push(`${userId} ${why}`),
    personal: (...one) => void personal.push(one),
  });
  const pass = (ms: number) => world.runUntil(world.clock.now() + ms);
  return {
    world,
    actors,
    ledger,
    room,
    news,
    passes,
    gone,
    personal,
    doubts,
    handedOn,
    inboxMax,
    pass,
    jump(ms) {
      jumpedMs += ms;
    },
    async ask(request) {
      const answers: Outcome<unknown>[] = [];
      room.send({ ...request, reply: (outcome: Outcome<unknown>) => void answers.push(outcome) } as RoomRequest);
      for (let waited = 0; answers.length === 0 && waited < 100; waited++) await pass(10);
      const [answer] = answers;
      if (!answer) throw new Error(`no answer to ${request.kind}`);
      return answer;
    },
  };
}
