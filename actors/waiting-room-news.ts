/** What a waiting room tells: the news for everybody, and where one user stands. */
import { isSoldOut } from '../engine/admission.ts';
import { waitEstimate } from '../engine/wait-estimate.ts';
import type { Person } from '../engine/waiting-room.ts';
import type { LeaveReason, PassTerms, RoomNews, Standing, Told } from './waiting-room-requests.ts';
import { type Draft, type State, stockNow } from './waiting-room-state.ts';

/** How finely those who left in the middle of a line are told to everybody. */
const bucketsMax = 64;

export function newsOf(state: State): RoomNews {
  const { room, stock, releases, self } = state;
  const { mode, maxConcurrent, ratePerMinute } = room.terms;
  const nowMs = self.now();
  return {
    version: room.seq,
    atMs: nowMs,
    mode,
    soldOut: isSoldOut(stockNow(state)),
    saleStartMs: stock.saleStartMs,
    commitment: room.commitment,
    waiting: room.waiting,
    zones: stock.zones,
    admittedTotal: room.admittedTotal,
    lines: { priority: room.lines.priority.summary(bucketsMax), regular: room.lines.regular.summary(bucketsMax) },
    rates: releases.measured(nowMs, maxConcurrent),
    maxConcurrent,
    ratePerMinute,
  };
}

export function passOf(eventId: string, { userId, admission, passEndsAtMs }: Person): PassTerms {
  return { eventId, userId, admission, endsAtMs: passEndsAtMs };
}

/** Null: the user is not in the room. */
export function standingOf(state: State, userId: string | null): Standing | null {
  const { room, eventId } = state;
  const person = userId === null ? undefined : room.people.get(userId);
  if (!person) return null;
  const { stage, line, place, who, joinedAtMs, seenAtMs, bookingId } = person;
  if (stage === 'admitted') return { stage, pass: passOf(eventId, person) };
  if (stage === 'checkout') return { stage, bookingId: bookingId ?? '' };
  const position = room.position(person);
  const keptUntilMs = seenAtMs + room.terms.graceMs;
  const estimate = estimateAt(state, person, position);
  return { stage, line, place, position, token: who, joinedAtMs, keptUntilMs, estimate };
}

/** Those of the regular line wait for the whole priority line as well. */
function estimateAt({ room, releases, self }: State, { line }: Person, position: number | null) {
  const { mode } = room.terms;
  if (position === null || (mode !== 'open' && mode !== 'drain')) return null;
  const ahead = line === 'regular' ? room.lines.priority.waiting : 0;
  return waitEstimate(position + ahead, releases.measured(self.now(), room.terms.maxConcurrent), room.terms);
}

/** What holds at this moment, for a node that begins to follow: the news, and everybody's unused passes. */
export function presentNews(state: State): readonly Told[] {
  const passes = [...state.room.active.values()].filter(({ stage }) => stage === 'admitted');
  return [['tick', newsOf(state)], ...passes.map((person) => ['admitted', passOf(state.eventId, person)] as const)];
}

/** Tells those who listen what a durable batch means for them. */
export function tell(state: State, { entries }: Draft): void {
  const { listeners } = state.around;
  let admitted = 0;
  for (const { seq, kind, userId, detail } of entries) {
    if (kind === 'configure') state.newsDue = true;
    if (userId === null) continue;
    const person = state.room.people.get(userId);
    if (kind === 'admit') {
      admitted++;
      if (person?.stage === 'admitted') for (const one of listeners) one.admitted(passOf(state.eventId, person));
    } else if (kind === 'leave' || (kind === 'release' && (detail === 'left' || detail === 'pass_expired'))) {
      for (const one of listeners) one.left(userId, detail as LeaveReason, seq);
    } else if (kind === 'redeem')
      for (const one of listeners) one.personal(userId, { what: 'checkout', bookingId: detail, seq });
  }
  if (admitted > 0) state.deps.watch.admitted(admitted);
}

/** The news of this moment for everybody, when a tick or a change has called for them. */
export function spreadIfDue(state: State): void {
  if (!state.newsDue) return;
  state.newsDue = false;
  const news = newsOf(state);
  state.around.news = news;
  for (const one of state.around.listeners) one.tick(news);
}
