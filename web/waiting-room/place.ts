/**
 * Where a person stands in the waiting room of an event: the shape that the pages show, whatever brings it, and the simplest way to
 * have it brought: asking again and again.
 */
import { ask } from '../api/ask.ts';
import type { Answer } from '../api/refusal.ts';
import { clockSetBy, type ServerClock } from '../booking/server-clock.ts';
import { repeated } from '../loaded.ts';

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
  | { readonly stage: 'absent' };

/** Shows where one stands, now and at each change; the result ends it. */
export type WatchPlace = (eventId: string, show: (place: Answer<Place>) => void) => () => void;

/** As GET /queue/position/:event_id answers. */
interface PositionShape {
  readonly status: 'waiting' | 'admitted' | 'checkout';
  readonly position: number | null;
  readonly estimated_wait: { readonly low_seconds: number; readonly high_seconds: number } | null;
  readonly mode: Waiting['mode'];
  readonly sold_out: boolean;
  readonly queue_pass: string | null;
  readonly queue_pass_expires_at: string | null;
  readonly booking_id: string | null;
  readonly server_time: string;
}

const pollEveryMs = 2_000;

export const pollPlace: WatchPlace = (eventId, show) =>
  repeated((signal) => readPlace(eventId, signal), pollEveryMs, show);

export async function readPlace(eventId: string, signal?: AbortSignal): Promise<Answer<Place>> {
  const askedAtMs = performance.now();
  const answer = await ask<PositionShape>({ method: 'GET', path: `/queue/position/${eventId}` }, signal);
  if (answer.ok) {
    const clock = clockSetBy(answer.value.server_time, { askedAtMs, cameAtMs: performance.now() });
    return { ...answer, value: placeOf(answer.value, clock) };
  }
  return answer.refusal.code === 'NOT_FOUND' ? { ok: true, value: { stage: 'absent' }, meta: {} } : answer;
}

function placeOf(shape: PositionShape, clock: ServerClock): Place {
  if (shape.queue_pass !== null && shape.queue_pass_expires_at !== null) {
    const pass = { token: shape.queue_pass, expiresAtMs: Date.parse(shape.queue_pass_expires_at), clock };
    return { stage: 'admitted', pass };
  }
  if (shape.status === 'checkout') return { stage: 'checkout', bookingId: shape.booking_id };
  const { position, estimated_wait, mode, sold_out } = shape;
  const wait = estimated_wait && { lowSeconds: estimated_wait.low_seconds, highSeconds: estimated_wait.high_seconds };
  return { stage: 'waiting', position, wait, mode, soldOut: sold_out };
}

/** Takes a place, or finds the one that the person has: in another tab, on another device. */
export const join = (eventId: string) =>
  ask<unknown>({ method: 'POST', path: '/queue/join', body: { event_id: eventId } });

export const leave = (eventId: string) =>
  ask<unknown>({ method: 'POST', path: '/queue/leave', body: { event_id: eventId } });
