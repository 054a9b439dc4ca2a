/** Where a person stands in the waiting room of an event: the shape that the pages show, and how it comes to them. */
import { ask } from '../api/ask.ts';
import { trouble } from '../api/patience.ts';
import type { Answer } from '../api/refusal.ts';
import { clockSetBy, type ServerClock } from '../booking/server-clock.ts';
import type { LeaveReason, Standing } from '../queue/standing.ts';
import { followQueue } from '../queue-client.ts';
import { accessToken, tokenRefused } from '../session/session.ts';

export interface Pass {
  /** What a reservation carries as X-Queue-Pass. */
  readonly token: string;
  /** In the shop's time. */
  readonly expiresAtMs: number;
  readonly clock: ServerClock;
}

export interface Waiting {
  readonly stage: 'waiting';
  /** 1 for the first; null in the lobby, before the sale begins. */
  readonly position: number | null;
  /** Null while nothing can be said. */
  readonly wait: { readonly lowSeconds: number; readonly highSeconds: number } | null;
  readonly mode: 'open' | 'paused' | 'drain' | 'off';
  readonly soldOut: boolean;
}

export type Place =
  | Waiting
  | { readonly stage: 'admitted'; readonly pass: Pass }
  /** The pass was used: tickets are held. */
  | { readonly stage: 'checkout'; readonly bookingId: string | null }
  /** Null: nobody said why. */
  | { readonly stage: 'absent'; readonly left: LeaveReason | null };

export interface PlaceWatch {
  /** Called now and at each change. */
  readonly place: (place: Answer<Place>) => void;
  /** Called with what is left of a zone, now and at each change. */
  readonly available?: (zoneId: string, seats: number) => void;
  /** Called when a booking of the event was changed. */
  readonly booking?: (bookingId: string) => void;
}

/** As GET /queue/position/:event_id answers. */
interface PositionShape {
  readonly status: 'lobby' | 'waiting' | 'admitted' | 'checkout';
  readonly position: number | null;
  readonly estimated_wait_low_seconds: number | null;
  readonly estimated_wait_high_seconds: number | null;
  /** Of a pass: when it ends. */
  readonly expires_at: string | null;
  readonly queue_pass: string | null;
  readonly booking_id: string | null;
}

/** As GET /queue/status answers: the same for everybody. */
interface StatusShape {
  readonly mode: Waiting['mode'];
  readonly sold_out: boolean;
  readonly server_time: string;
}

/** Shows where one stands; the result ends it. */
export function followPlace(eventId: string, watch: PlaceWatch): () => void {
  // Another request may be in trouble while this goes well: only what was said here is taken back here.
  let isLost = false;
  return followQueue({
    origin: location.origin,
    eventId,
    token: accessToken,
    tokenRefused,
    WebSocket,
    availability: watch.available !== undefined,
    news(news) {
      if (news.type === 'availability') watch.available?.(news.zone_id, news.available);
      if (news.type === 'booking') watch.booking?.(news.booking_id);
    },
    lost(againInMs) {
      isLost = true;
      trouble.set({ kind: navigator.onLine ? 'unreachable' : 'offline', againInSeconds: Math.ceil(againInMs / 1_000) });
    },
    show(answer) {
      if (isLost) trouble.set(null);
      isLost = false;
      watch.place(answer.ok ? { ...answer, value: placeNow(answer.value) } : answer);
    },
  });
}

function placeNow({ place, room, left }: Standing): Place {
  const { status } = place;
  if (status === 'absent') return { stage: 'absent', left };
  const nowMs = performance.now();
  return placeOf({ ...place, status }, room, clockSetBy(room.server_time, { askedAtMs: nowMs, cameAtMs: nowMs }));
}

export function placeOf(position: PositionShape, status: StatusShape, clock: ServerClock): Place {
  if (position.status === 'checkout') return { stage: 'checkout', bookingId: position.booking_id };
  if (position.queue_pass !== null && position.expires_at !== null) {
    const pass = { token: position.queue_pass, expiresAtMs: Date.parse(position.expires_at), clock };
    return { stage: 'admitted', pass };
  }
  const { estimated_wait_low_seconds: low, estimated_wait_high_seconds: high } = position;
  return {
    stage: 'waiting',
    position: position.status === 'lobby' ? null : position.position,
    wait: low === null || high === null ? null : { lowSeconds: low, highSeconds: high },
    mode: status.mode,
    soldOut: status.sold_out,
  };
}

/** Takes a place, or finds the one that the person has: in another tab, on another device. */
export const join = (eventId: string) =>
  ask<unknown>({ method: 'POST', path: '/queue/join', body: { event_id: eventId } });

export const leave = (eventId: string) =>
  ask<unknown>({ method: 'POST', path: '/queue/leave', body: { event_id: eventId } });
