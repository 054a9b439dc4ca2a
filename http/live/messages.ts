/** Messages of live connections as bytes: those for everybody are made once, whoever gets them. */
import type { PersonalNews, RoomNews, Standing } from '../../actors/waiting-room-requests.ts';
import type { Rejection } from '../../engine/outcome.ts';
import { timeText, viewBooking } from '../booking-view.ts';
import { type Farewell, farewells, type PlaceFields, type RoomMessage, type ServerMessage } from '../live-view.ts';
import type { PassSeal } from '../pass-seal.ts';
import { problem } from '../problem.ts';
import { nobody, viewStanding, viewStatus } from '../queue-view.ts';

const encoder = new TextEncoder();

export function encoded(message: ServerMessage): Uint8Array {
  return encoder.encode(JSON.stringify(message));
}

export function roomMessage(eventId: string, news: RoomNews, type: RoomMessage['type']): Uint8Array {
  return encoded({ type, ...viewStatus(eventId, news) });
}

const modeNames = { open: 'opened', paused: 'paused', drain: 'closed', off: 'closed' } as const;

/** What the news are about: a `position` may wait for its turn. */
export function whatChanged(news: RoomNews, before: RoomNews | null): RoomMessage['type'] {
  if (before === null) return 'position';
  if (news.soldOut && !before.soldOut) return 'sold_out';
  return news.mode === before.mode ? 'position' : modeNames[news.mode];
}

export function personalMessage(
  eventId: string,
  news: Exclude<PersonalNews, { readonly what: 'checkout' }>,
  nowMs: number,
): Uint8Array {
  const server_time = timeText(nowMs);
  if (news.what === 'booking') return encoded({ type: 'booking', ...viewBooking(news.booking), server_time });
  const { kind, bookingId, atMs } = news;
  const fields = { event_id: eventId, booking_id: bookingId, created_at: timeText(atMs) };
  return encoded({ type: 'notification', kind, ...fields, server_time });
}

/** What a message about a place rests on. */
export interface Moment {
  readonly seq: number;
  readonly total: number;
  readonly nowMs: number;
}

export async function placeFields(
  standing: Standing | null,
  { seq, total, nowMs }: Moment,
  seal: PassSeal,
): Promise<PlaceFields> {
  const when = { seq, server_time: timeText(nowMs) };
  if (!standing) return { ...nobody, status: 'absent', position: null, total, ...when };
  return { ...(await viewStanding(standing, total, seal)), ...when };
}

export function refusedMessage(request: 'join' | 'leave' | 'position', rejection: Rejection): Uint8Array {
  const { retryAfterSeconds = null } = rejection;
  return encoded({ type: 'refused', request, error: problem(rejection), retry_after_seconds: retryAfterSeconds });
}

/** Those who are sent away together come back spread over at least this time, and over 1 ms for each of them. */
const spreadMsMin = 1_000;

/** @param crowd How many are sent away at this moment. */
export function goodbyeMessage(why: Farewell, crowd = 1): Uint8Array {
  const { comeBack } = farewells[why];
  const reconnectAfterMs = comeBack ? Math.round(Math.random() * Math.max(spreadMsMin, crowd)) : null;
  return encoded({ type: 'goodbye', why, reconnect_after_ms: reconnectAfterMs });
}
