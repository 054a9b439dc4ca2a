/** What a waiting room's actor holds in memory between messages. Mutable, never handed out, made anew after a crash. */
import { AdmissionRate, CheckoutRecord, type Stock } from '../engine/admission.ts';
import { Deadlines } from '../engine/deadlines.ts';
import { entryHash, type LoggedEntry, nameInLog, type Sha256 } from '../engine/queue-log.ts';
import type { AccessCode, AcquiredRoom, RoomLedger } from '../engine/room-ledger.ts';
import { ReleaseRate } from '../engine/wait-estimate.ts';
import { WaitingRoom } from '../engine/waiting-room.ts';
import type { Inbox } from './inbox.ts';
import type { Actors, Reply, Self } from './kit.ts';
import type { LivePresence } from './live-presence.ts';
import type { RoomFollowers } from './room-followers.ts';
import type { Happening, RoomMessage } from './waiting-room.ts';
import type { RoomListener, RoomNews, RoomRequest } from './waiting-room-requests.ts';

export interface RoomLimits {
  /** Requests judged in one batch. */
  readonly batchMax: number;
  /** Requests that may wait for one room; more are refused at once. */
  readonly inboxMax: number;
  readonly tickMs: number;
  /** News for those who listen, each of which they may show to a part of whoever is behind them. */
  readonly newsPerTick: number;
}

export const newsEveryMs = ({ tickMs, newsPerTick }: RoomLimits): number => tickMs / newsPerTick;

/** Told of what an operator must be able to see. */
export interface RoomWatch {
  admitted(people: number): void;
  doubted(eventId: string, why: string, error?: unknown): void;
}

export interface RoomDeps {
  readonly actors: Actors;
  readonly ledger: RoomLedger;
  /** Resolves when this node may take the room over: nobody else is to have it then. */
  readonly lease: (eventId: string) => Promise<void>;
  readonly sha256: Sha256;
  readonly limits: RoomLimits;
  readonly watch: RoomWatch;
  /** There is no such event: the room is to be forgotten. */
  readonly gone: (eventId: string) => void;
  /** Takes a request to wherever the room is by now. */
  readonly handOn: (eventId: string, request: RoomRequest) => void;
}

/** Gives an answer. Looked up when the time has come, so that it tells what the whole batch came to. */
export type Answer = () => void;

/** A reservation that is being tried with a pass, or was. */
export interface UseUnderWay {
  readonly key: string;
  /** Tries of this key that have not ended. */
  tries: number;
}

export interface Draft {
  readonly entries: LoggedEntry[];
  readonly answers: Answer[];
  /** Requests of the batch, to be judged again when it is not known what became of it. */
  readonly requests: RoomRequest[];
  accessCodes: readonly AccessCode[] | null;
}

/** What outlives an incarnation: it is about this process, not about the room. */
export interface RoomSurroundings {
  readonly inbox: Inbox<RoomRequest>;
  readonly presence: LivePresence;
  readonly listeners: Set<RoomListener>;
  readonly followers: RoomFollowers;
  /** Tries with a pass, by admission; those of a pass that is used up go with its release. */
  readonly uses: Map<number, UseUnderWay>;
  news: RoomNews | null;
}

export interface State {
  readonly eventId: string;
  readonly deps: RoomDeps;
  readonly self: Self<RoomMessage>;
  readonly around: RoomSurroundings;

  /** `absent`: there is no such event. */
  phase: 'loading' | 'open' | 'absent';
  acquired: AcquiredRoom | null;
  room: WaitingRoom;
  /** As last surveyed. */
  stock: Stock;
  /** Seats that passes have taken and that the survey does not count yet. */
  seatsTaken: number;
  surveying: boolean;
  failures: number;

  record: CheckoutRecord;
  rate: AdmissionRate;
  releases: ReleaseRate;
  /** When somebody who waits may have to be missed: a reminder by user. */
  missing: Deadlines;

  draft: Draft;
  /** The batch on its way to the truth. */
  appending: Draft | null;
  /** Since that batch left: at most one of each kind. */
  readonly happened: Happening[];
  /** Everybody is to be told as soon as all that the room holds is durable. */
  newsDue: boolean;
  /** To be judged before anything that waits in the inbox. */
  again: RoomRequest[];
  tickedAtMs: number;
  /** A tick is on its way. */
  ticking: boolean;
  /** The news that a pass is over is on its way. */
  awaitsPassEnd: boolean;
  /** Called when nothing is under way any more; null while the room stays. */
  closing: Reply<null> | null;
}

const noStock: Stock = {
  saleStartMs: Number.POSITIVE_INFINITY,
  saleEndMs: Number.POSITIVE_INFINITY,
  available: 0,
  held: 0,
  zones: [],
};

export function newState(eventId: string, deps: RoomDeps, around: RoomSurroundings, self: Self<RoomMessage>): State {
  return {
    eventId,
    deps,
    self,
    around,
    phase: 'loading',
    acquired: null,
    room: new WaitingRoom(deps.sha256),
    stock: noStock,
    seatsTaken: 0,
    surveying: false,
    failures: 0,
    record: new CheckoutRecord(),
    rate: new AdmissionRate(),
    releases: new ReleaseRate(),
    missing: new Deadlines(),
    draft: newDraft(),
    appending: null,
    happened: [],
    newsDue: false,
    again: [],
    tickedAtMs: self.now(),
    ticking: false,
    awaitsPassEnd: false,
    closing: null,
  };
}

/** What can be bought as far as the room knows at this moment. */
export function stockNow({ stock, seatsTaken }: State): Stock {
  return { ...stock, available: stock.available - seatsTaken, held: stock.held + seatsTaken };
}

export function newDraft(): Draft {
  return { entries: [], answers: [], requests: [], accessCodes: null };
}

/** Puts an entry at the end of the room's log. It holds in memory at once and for others when its batch is durable. */
export function write(
  state: State,
  entry: Pick<LoggedEntry, 'kind' | 'detail'> & Partial<Pick<LoggedEntry, 'userId' | 'line' | 'place'>>,
): LoggedEntry {
  const { room, acquired, deps, draft } = state;
  const { kind, detail, userId = null, line = null, place = null } = entry;
  const known = userId === null ? null : room.people.get(userId);
  const who = userId === null ? null : (known?.who ?? nameInLog(userId, acquired?.salt ?? '', deps.sha256));
  // A clock that was set back does not turn the log's times around.
  const atMs = Math.max(state.self.now(), room.atMs);
  const written = { seq: room.seq + 1, atMs, kind, who, line, place, detail, userId, hash: '' };
  written.hash = entryHash(room.hash, written, deps.sha256);
  room.apply(written);
  draft.entries.push(written);
  return written;
}
