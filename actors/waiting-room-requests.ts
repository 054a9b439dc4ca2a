/**
 * What may be asked of a waiting room, the functions that ask, and what it tells those who listen. A room is only known
 * by its address, which may lead to an actor in this process or on another node; nobody but this file builds requests.
 *
 * Whatever a room answers or tells is durable: its log entry is committed before anybody hears of it.
 */
import type { ZoneLeft } from '../engine/admission.ts';
import type { Booking } from '../engine/booking.ts';
import type { LineSummary } from '../engine/line.ts';
import type { NotificationKind } from '../engine/notifications.ts';
import type { Clock } from '../engine/ports.ts';
import type { LineName } from '../engine/queue-log.ts';
import type { WaitEstimate } from '../engine/wait-estimate.ts';
import type { RoomMode, RoomTerms } from '../engine/waiting-room.ts';
import type { Hash16 } from '../engine/zone.ts';
import type { Wire } from './cluster/forwarding.ts';
import type { Reply } from './kit.ts';
import type { Followed } from './room-followers.ts';

/** A room where it is at this moment. */
export interface RoomEntity {
  /** Hands a request over. Its reply is called exactly once, possibly at once. */
  send(request: RoomRequest): void;
}

/** A room wherever it is: the address stays right when it moves. */
export interface RoomAddress extends RoomEntity {
  /** Names this address to the room, which forgets with it who is connected behind it. */
  readonly door: string;
  /** Tells `listener` from now on; the answer ends that. */
  subscribe(listener: RoomListener): () => void;
  /** The news of the last tick, for somebody who has just come; null before the first. */
  readonly news: RoomNews | null;
}

/** What is the same for everybody in the room; one object a tick, however many listen. */
export interface RoomNews {
  /** Sequence number of the last log entry that it counts: later news have a higher one or the same. */
  readonly version: number;
  readonly atMs: number;
  readonly mode: RoomMode;
  /** Nothing is left and nothing that is held can come back. */
  readonly soldOut: boolean;
  /** Before it nobody is admitted; who joins before it is in the lobby, and shuffled at this time. */
  readonly saleStartMs: number;
  /** SHA-256 of the shuffle's seed; null when there is no shuffle. */
  readonly commitment: string | null;
  readonly waiting: number;
  /** What is left of each zone, as last surveyed: at most a tick ago. */
  readonly zones: readonly ZoneLeft[];
  /** Admissions since the room was made. */
  readonly admittedTotal: number;
  /** From a summary, a person's own place and `positionFrom` follows their position. */
  readonly lines: { readonly priority: LineSummary; readonly regular: LineSummary };
  /** What `waitEstimate` takes: departures per ms over several spans of the past, and the present terms. */
  readonly rates: readonly number[];
  readonly maxConcurrent: number;
  readonly ratePerMinute: number | null;
}

/** A pass as the room knows it; http/pass-seal.ts makes it a token. */
export interface PassTerms {
  readonly eventId: string;
  readonly userId: string;
  /** Number of the log entry that admitted them: one pass an entry. */
  readonly admission: number;
  readonly endsAtMs: number;
}

export type LeaveReason = 'left' | 'timed_out' | 'pass_expired';

/** What somebody is told of their own bookings of the event, wherever they are connected. */
export type PersonalNews =
  /** Their pass made this booking; `seq` is the log entry that says so. */
  | { readonly what: 'checkout'; readonly bookingId: string; readonly seq: number }
  /** As it is now. */
  | { readonly what: 'booking'; readonly booking: Booking }
  | {
      readonly what: 'notification';
      readonly kind: NotificationKind;
      readonly bookingId: string;
      readonly atMs: number;
    };

/** News, and the user whom they are for. */
export type Addressed = readonly [userId: string, news: PersonalNews];

/** Called synchronously, in the room's turn: keep it short, and never throw. */
export interface RoomListener {
  /** The room did not know of this listener: it is another's now, or was silent for too long. It knows of nobody there. */
  anew(): void;
  /** Once a second while somebody waits or listens, and at once when mode or sold-out changes. */
  tick(news: RoomNews): void;
  /** Once for each admission, and again after the room was read anew. */
  admitted(pass: PassTerms): void;
  /** This user has no place (or pass) any more: they left, were not seen for the grace, or let the pass run out. */
  left(userId: string, why: LeaveReason, seq: number): void;
  personal(userId: string, news: PersonalNews): void;
}

/** What a listener is told, to be told elsewhere. */
export type Told = {
  readonly [What in keyof RoomListener]: readonly [what: What, ...told: Parameters<RoomListener[What]>];
}[keyof RoomListener];

/** Where one user stands. */
export type Standing =
  | {
      readonly stage: 'waiting';
      readonly line: LineName;
      /** Never changes, but once for those in the lobby. */
      readonly place: number;
      /** 1 for the first of their line; null in the lobby. */
      readonly position: number | null;
      /** Their name in the log: by it they find themselves in the fairness report. It opens nothing. */
      readonly token: string;
      readonly joinedAtMs: number;
      /** The place is kept until then, unless they are seen again. */
      readonly keptUntilMs: number;
      readonly estimate: WaitEstimate | null;
    }
  | { readonly stage: 'admitted'; readonly pass: PassTerms }
  | { readonly stage: 'checkout'; readonly bookingId: string };

export interface Look {
  /** Null: the user is not in the room. */
  readonly standing: Standing | null;
  readonly news: RoomNews;
}

export interface Joined {
  readonly standing: Standing;
  /** False: they had this place before. */
  readonly isNew: boolean;
  readonly waiting: number;
}

/** What is to change; what is absent stays as it is. */
export type RoomChange = Partial<RoomTerms> & {
  /** Replaces all codes of the event. */
  readonly accessCodes?: readonly { readonly code: string; readonly reason: string }[];
  /** Who wants it, for the log. */
  readonly cause: string;
};

/** The use of a pass for one reservation; `key` is the reservation's own, by which it may be repeated. */
export interface PassUse {
  readonly userId: string;
  readonly admission: number;
  /** As the pass itself says, so that one that is long over is told from one that never was. */
  readonly endsAtMs: number;
  readonly key: Hash16;
}

/** What a reservation with a pass came to. `unknown`: only the same key may try again. */
export type UseEnd = ({ readonly end: 'made' } & MadeBooking) | { readonly end: 'refused' | 'unknown' };

export interface MadeBooking {
  readonly bookingId: string;
  readonly quantity: number;
  /** When it was made: a booking from before the admission uses no pass up. */
  readonly atMs: number;
}

/** What the event log tells of a booking. */
export type CheckoutNews =
  | ({ readonly kind: 'created'; readonly userId: string } & MadeBooking)
  | { readonly kind: 'completed' | 'failed' | 'expired'; readonly bookingId: string };

export type RoomRequest =
  | {
      readonly kind: 'join';
      readonly userId: string;
      readonly accessCode: string | null;
      readonly reply: Reply<Joined>;
    }
  | { readonly kind: 'leave'; readonly userId: string; readonly reply: Reply<null> }
  | { readonly kind: 'look'; readonly userId: string | null; readonly reply: Reply<Look> }
  | {
      readonly kind: 'connected' | 'disconnected';
      readonly userId: string;
      readonly door: string;
      readonly reply: Reply<null>;
    }
  | { readonly kind: 'configure'; readonly change: RoomChange; readonly reply: Reply<RoomTerms> }
  | { readonly kind: 'use'; readonly use: PassUse; readonly reply: Reply<null> }
  | { readonly kind: 'used'; readonly use: PassUse; readonly end: UseEnd; readonly reply: Reply<null> }
  | { readonly kind: 'checkout'; readonly news: CheckoutNews; readonly reply: Reply<null> }
  | { readonly kind: 'tell'; readonly news: readonly Addressed[]; readonly reply: Reply<null> }
  | { readonly kind: 'follow'; readonly node: string; readonly reply: Reply<Followed> };

/** How requests travel to a room of another node: without the reply, which stays. */
export const roomWire = ({ now }: Clock): Wire<RoomRequest> => ({
  orderOf: ({ reply, ...order }) => ({ order, deadlineMs: now() + answerWithinMs, reply: reply as Reply<unknown> }),
  requestOf: (order, _deadlineMs, reply) => ({ ...(order as object), reply }) as RoomRequest,
});

/** Longer than a take-over of a room takes. */
const answerWithinMs = 5_000;

/**
 * Takes a place at the end, or answers the one the user has: one for all their tabs and devices. Refused with NOT_FOUND,
 * INVALID_STATE (the room is off or takes nobody), SALE_ENDED, INSUFFICIENT_STOCK (sold out), VALIDATION_ERROR (not a
 * code of this event) or SERVICE_UNAVAILABLE.
 */
export function join(
  room: RoomEntity,
  who: { readonly userId: string; readonly accessCode: string | null },
  reply: Reply<Joined>,
): void {
  room.send({ kind: 'join', ...who, reply });
}

/** Gives the place, or a pass that made no booking, back. Accepted also for somebody who has none. */
export function leave(room: RoomEntity, userId: string, reply: Reply<null>): void {
  room.send({ kind: 'leave', userId, reply });
}

/** Where this user stands, exactly; counts as being seen. Null asks only for the news. */
export function look(room: RoomEntity, userId: string | null, reply: Reply<Look>): void {
  room.send({ kind: 'look', userId, reply });
}

/** This user is connected behind this address: until it is said that they are not, they are not missed. */
export function connected(room: RoomAddress, userId: string, reply: Reply<null>): void {
  room.send({ kind: 'connected', userId, door: room.door, reply });
}

/** This user has no connection behind this address any more: unless there is another elsewhere, their grace begins. */
export function disconnected(room: RoomAddress, userId: string, reply: Reply<null>): void {
  room.send({ kind: 'disconnected', userId, door: room.door, reply });
}

/** Changes the room's terms; in force when accepted, and what they allow is admitted at once. */
export function configure(room: RoomEntity, change: RoomChange, reply: Reply<RoomTerms>): void {
  room.send({ kind: 'configure', change, reply });
}

/**
 * Takes a pass for a reservation that is about to be tried. Refused with QUEUE_PASS_INVALID (details.reason: `unknown`,
 * `expired`, `used`) or SERVICE_UNAVAILABLE. Whoever was accepted must call `endPassUse`.
 */
export function usePass(room: RoomEntity, use: PassUse, reply: Reply<null>): void {
  room.send({ kind: 'use', use, reply });
}

/** Tells what came of the reservation: a booking uses the pass up, a refusal gives it back. */
export function endPassUse(room: RoomEntity, use: PassUse, end: UseEnd): void {
  room.send({ kind: 'used', use, end, reply: nobodyAsked });
}

/** Brings what the event log tells of a booking; accepted again when it was heard before. */
export function tellCheckout(room: RoomEntity, news: CheckoutNews, reply: Reply<null>): void {
  room.send({ kind: 'checkout', news, reply });
}

/** Has these told to whoever of them is connected, on whatever node. Those who are not connected miss it. */
export function tellPersonally(room: RoomEntity, news: readonly Addressed[], reply: Reply<null>): void {
  room.send({ kind: 'tell', news, reply });
}

const nobodyAsked = () => {};
