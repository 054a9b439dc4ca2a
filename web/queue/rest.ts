/** Questions to the queue's routes, and their answers as the messages of a line. */
import type { PlaceFields, RoomMessage, ServerMessage } from '../../http/live-view.ts';
import { type Answer, answerOf } from '../api/refusal.ts';
import type { Destination } from './line.ts';

/** What a message for everybody says, whatever its reason. */
export type Room = Omit<RoomMessage, 'type'>;

export function get(to: Destination, path: string, signal: AbortSignal): Promise<Response> {
  return fetch(`${to.origin}/api/v1/queue/${path}`, { headers: { Authorization: `Bearer ${to.token}` }, signal });
}

export async function answerTo<Data>(response: Response): Promise<Answer<Data>> {
  const retryAfter = response.headers.get('Retry-After');
  const body = await response.json().catch(() => null);
  return answerOf<Data>(body, retryAfter === null ? null : Number(retryAfter));
}

type PlaceShape = Omit<PlaceFields, 'seq' | 'server_time'>;

type StatusShape = Room & {
  readonly availability: readonly { readonly zone_id: string; readonly available: number }[];
};

/** The room and one's place in it, as a line would tell them. Rejects when no answer comes. */
export async function askBoth(to: Destination, signal: AbortSignal): Promise<Answer<readonly ServerMessage[]>> {
  const status = await answerTo<StatusShape>(await get(to, `status?event_id=${to.eventId}`, signal));
  if (!status.ok) return status;
  const { availability, ...room } = status.value;
  // After the room, so that the place is the newer one.
  const place = await answerTo<PlaceShape>(await get(to, `position/${to.eventId}`, signal));
  if (!place.ok && place.refusal.code !== 'NOT_FOUND') return place;
  const { seq, server_time, waiting: total } = room;
  const fields = place.ok ? place.value : { ...absent, total };
  const messages: ServerMessage[] = [
    { type: 'position', ...room },
    { type: 'place', ...fields, seq, server_time },
    ...(to.availability ? availability : []).map((left) => ({ type: 'availability', ...left, server_time }) as const),
  ];
  return { ok: true, value: messages, meta: {} };
}

/** What somebody without a place has. */
export const absent = {
  status: 'absent',
  line: null,
  place: null,
  position: null,
  token: null,
  estimated_wait_seconds: null,
  estimated_wait_low_seconds: null,
  estimated_wait_high_seconds: null,
  joined_at: null,
  expires_at: null,
  queue_pass: null,
  booking_id: null,
} as const;
