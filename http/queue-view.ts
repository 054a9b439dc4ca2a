/** Places, passes and the state of a waiting room as the API shows them: over REST, and for whoever pushes them. */
import { z } from 'zod';
import type { Look, RoomNews, Standing } from '../actors/waiting-room-requests.ts';
import type { LineSummary } from '../engine/line.ts';
import { type RoomTerms, roomModes } from '../engine/waiting-room.ts';
import { timeText } from './booking-view.ts';
import type { PassSeal } from './pass-seal.ts';

const time = z.iso.datetime();
const count = z.int().min(0);

const lineSummary = z
  .object({ head: count, tail: count, gone: z.array(count) })
  .describe('from it and your own place follows your position: positionFrom in engine/line.ts');

export const queueStatusView = z.object({
  event_id: z.uuid(),
  seq: count.describe('number of the log entry it rests on: what has a lower one is older, on whatever node'),
  mode: z.enum(roomModes).describe('off: no pass is needed'),
  waiting: count,
  sold_out: z.boolean(),
  sale_start_at: time.nullable(),
  shuffle_commitment: z.string().nullable().describe('SHA-256 of the seed that will shuffle those who came early'),
  admitted_total: count,
  max_concurrent: count,
  rate_per_minute: count.nullable(),
  release_rates: z.array(z.number()).describe('departures a millisecond, over several spans of the past'),
  lines: z.object({ priority: lineSummary, regular: lineSummary }),
  server_time: time,
});

export const availabilityView = z.object({ zone_id: z.uuid(), available: count });

const seconds = z.int().nullable().describe('null: nobody can say at the moment');

/** One shape for every stage; what does not apply is null. */
export const standingView = z.object({
  status: z.enum(['lobby', 'waiting', 'admitted', 'checkout']),
  line: z.enum(['priority', 'regular', 'lobby']).nullable(),
  place: z.int().nullable().describe('never changes, but once at the start for those in the lobby'),
  position: z.int().nullable().describe('1: next in line; 0: admitted; null: the lobby is not shuffled yet'),
  total: count.describe('people who wait'),
  token: z.string().nullable().describe('your name in the fairness report; it opens nothing'),
  estimated_wait_seconds: seconds,
  estimated_wait_low_seconds: seconds,
  estimated_wait_high_seconds: seconds,
  joined_at: time.nullable(),
  expires_at: time.nullable().describe('the place is kept until then unless you are seen; for a pass, its end'),
  queue_pass: z.string().nullable(),
  booking_id: z.uuid().nullable(),
});

export const termsView = z.object({
  event_id: z.uuid(),
  mode: z.enum(roomModes),
  max_concurrent: count,
  rate_per_minute: count.nullable(),
  pass_ttl: z.int().describe('seconds'),
  grace: z.int().describe('seconds'),
  activation_users: count.nullable(),
});

/** What somebody without a place has. */
export const nobody: z.output<typeof standingView> = {
  status: 'waiting',
  line: null,
  place: null,
  position: 0,
  total: 0,
  token: null,
  estimated_wait_seconds: null,
  estimated_wait_low_seconds: null,
  estimated_wait_high_seconds: null,
  joined_at: null,
  expires_at: null,
  queue_pass: null,
  booking_id: null,
};

export function viewStatus(eventId: string, news: RoomNews): z.input<typeof queueStatusView> {
  return {
    event_id: eventId,
    seq: news.version,
    mode: news.mode,
    waiting: news.waiting,
    sold_out: news.soldOut,
    sale_start_at: Number.isFinite(news.saleStartMs) ? timeText(news.saleStartMs) : null,
    shuffle_commitment: news.commitment,
    admitted_total: news.admittedTotal,
    max_concurrent: news.maxConcurrent,
    rate_per_minute: news.ratePerMinute,
    release_rates: [...news.rates],
    lines: { priority: viewLine(news.lines.priority), regular: viewLine(news.lines.regular) },
    server_time: timeText(news.atMs),
  };
}

export function viewAvailability(news: Pick<RoomNews, 'zones'>): z.input<typeof availabilityView>[] {
  return news.zones.map(({ zoneId, available }) => ({ zone_id: zoneId, available }));
}

const viewLine = ({ head, tail, gone }: LineSummary) => ({ head, tail, gone: [...gone] });

type Waiting = Extract<Standing, { readonly stage: 'waiting' }>;

/** `total`: people who wait. */
export async function viewStanding(
  standing: Standing,
  total: Look['news']['waiting'],
  seal: PassSeal,
): Promise<z.input<typeof standingView>> {
  switch (standing.stage) {
    case 'checkout':
      return { ...nobody, total, status: 'checkout', booking_id: standing.bookingId };
    case 'admitted': {
      const { pass } = standing;
      const expiresAt = timeText(pass.endsAtMs);
      return { ...nobody, total, status: 'admitted', queue_pass: await seal.seal(pass), expires_at: expiresAt };
    }
    case 'waiting':
      return viewWaiting(standing, total);
  }
}

/** Of somebody who waits: what most are told who join, and so without a promise and in one piece. */
export function viewWaiting(waiting: Waiting, total: number): z.input<typeof standingView> {
  const { line, place, position, token, joinedAtMs, keptUntilMs, estimate } = waiting;
  return {
    status: line === 'lobby' ? 'lobby' : 'waiting',
    line,
    place,
    position,
    total,
    token,
    estimated_wait_seconds: estimate && Math.round((estimate.lowMs + estimate.highMs) / 2000),
    estimated_wait_low_seconds: estimate && Math.floor(estimate.lowMs / 1000),
    estimated_wait_high_seconds: estimate && Math.ceil(estimate.highMs / 1000),
    joined_at: timeText(joinedAtMs),
    expires_at: timeText(keptUntilMs),
    queue_pass: null,
    booking_id: null,
  };
}

export function viewTerms(eventId: string, terms: RoomTerms): z.input<typeof termsView> {
  const { mode, maxConcurrent, ratePerMinute, passTtlMs, graceMs, activationUsers } = terms;
  return {
    event_id: eventId,
    mode,
    max_concurrent: maxConcurrent,
    rate_per_minute: ratePerMinute,
    pass_ttl: Math.round(passTtlMs / 1000),
    grace: Math.round(graceMs / 1000),
    activation_users: activationUsers,
  };
}
