/**
 * Where one stands: one's own place as the server last told it, moved on by what everybody is told. The position is worked out
 * here, so that the server need not make a message for each of thousands; it never gets worse.
 */
import { type LineSummary, positionFrom } from '../../engine/line.ts';
import { waitEstimate } from '../../engine/wait-estimate.ts';
import type { PlaceFields, ServerMessage } from '../../http/live-view.ts';
import { absent, type Room } from './rest.ts';

/** The same fields as the API's, whatever brought them. */
export interface Standing {
  readonly place: PlaceFields;
  readonly room: Room;
  /** Why there is no place any more; null when nobody said so, as when it was lost while nothing got through. */
  readonly left: LeaveReason | null;
}

export type LeaveReason = Extract<ServerMessage, { type: 'left' }>['reason'];

/** What was heard so far; null: nothing yet. */
export interface Known {
  readonly place: PlaceFields | null;
  readonly room: Room | null;
  readonly left: LeaveReason | null;
}

export const nothingKnown: Known = { place: null, room: null, left: null };

/**
 * What is known after `message`. The same object when it says nothing new: it is older than what is known, as from another node
 * that has not caught up.
 */
export function heard(known: Known, message: ServerMessage): Known {
  const { place, room } = known;
  switch (message.type) {
    case 'position':
    case 'opened':
    case 'paused':
    case 'closed':
    case 'sold_out': {
      if (room && message.seq < room.seq) return known;
      const { type: _reason, ...fields } = message;
      return { ...known, place: place && moved(place, fields), room: fields };
    }
    case 'welcome':
    case 'place':
    case 'admitted':
      if (place && message.seq < place.seq) return known;
      return {
        ...known,
        place: room ? moved(message, room) : message,
        left: message.status === 'absent' ? known.left : null,
      };
    case 'left': {
      if (!place || message.seq < place.seq) return known;
      const { seq, server_time, reason } = message;
      return { ...known, left: reason, place: { ...absent, total: place.total, seq, server_time } };
    }
    default:
      return known;
  }
}

/** True: the line has passed them, and nobody told them what became of them. */
export function isOvertaken({ place, room }: Known): boolean {
  return place?.status === 'waiting' && room !== null && derivedPosition(place, room) === 0;
}

function moved(place: PlaceFields, room: Room): PlaceFields {
  if (place.status !== 'waiting' || room.seq < place.seq) return place;
  const derived = derivedPosition(place, room);
  const position = derived === 0 ? place.position : Math.min(derived, place.position ?? derived);
  return { ...place, position, total: room.waiting, server_time: room.server_time, ...estimate(place, position, room) };
}

function derivedPosition({ line, place }: PlaceFields, { lines }: Room): number {
  return place === null || line === null || line === 'lobby' ? 0 : positionFrom(lines[line], place);
}

/** Those of the regular line wait for the whole priority line as well. */
function estimate({ line }: PlaceFields, position: number | null, room: Room) {
  const { mode, max_concurrent: maxConcurrent, rate_per_minute: ratePerMinute, release_rates, lines } = room;
  const ahead = line === 'regular' ? waitingIn(lines.priority) : 0;
  const moves = mode === 'open' || mode === 'drain';
  const wait =
    position === null || !moves
      ? null
      : waitEstimate(position + ahead, release_rates, { maxConcurrent, ratePerMinute });
  return {
    estimated_wait_seconds: wait && Math.round((wait.lowMs + wait.highMs) / 2_000),
    estimated_wait_low_seconds: wait && Math.floor(wait.lowMs / 1_000),
    estimated_wait_high_seconds: wait && Math.ceil(wait.highMs / 1_000),
  };
}

function waitingIn(line: LineSummary): number {
  return positionFrom(line, line.tail);
}
