/**
 * What each request to a waiting room comes to: entries of the log, and an answer that is given when they are durable.
 * Everything here may be judged again after a lost commit: whoever is in the room already is answered what they have.
 */
import { isSoldOut } from '../engine/admission.ts';
import { accept, type Outcome, reject } from '../engine/outcome.ts';
import type { LineName } from '../engine/queue-log.ts';
import { type Person, type RoomTerms, termsText } from '../engine/waiting-room.ts';
import { newsOf, presentNews, standingOf } from './waiting-room-news.ts';
import type {
  CheckoutNews,
  Joined,
  MadeBooking,
  PassUse,
  RoomChange,
  RoomRequest,
  UseEnd,
} from './waiting-room-requests.ts';
import { type Answer, type State, stockNow, write } from './waiting-room-state.ts';

/**
 * Judges one request. What is only about this process (connections, tries of a pass) is answered at once and never
 * judged again; the log hears of a used pass, but its truth is the booking.
 */
export function judge(state: State, request: RoomRequest): void {
  switch (request.kind) {
    case 'connected':
      state.around.presence.connected(request.door, request.userId);
      see(state, request.userId);
      request.reply(done());
      break;
    case 'disconnected':
      see(state, request.userId);
      state.around.presence.disconnected(request.door, request.userId);
      request.reply(done());
      break;
    case 'use':
      request.reply(use(state, request.use));
      break;
    case 'used':
      used(state, request.use, request.end);
      request.reply(done());
      break;
    case 'tell':
      for (const [userId, news] of request.news) for (const one of state.around.listeners) one.personal(userId, news);
      request.reply(done());
      break;
    default:
      state.draft.requests.push(request);
      state.draft.answers.push(answerTo(state, request));
  }
}

type Judged = Extract<RoomRequest, { kind: 'join' | 'leave' | 'look' | 'configure' | 'checkout' | 'follow' }>;

function answerTo(state: State, request: Judged): Answer {
  switch (request.kind) {
    case 'join': {
      const outcome = join(state, request);
      return () => request.reply(outcome());
    }
    case 'leave':
      leave(state, request.userId, 'left');
      return () => request.reply(done());
    case 'look':
      if (request.userId !== null) see(state, request.userId);
      return () => request.reply(accept({ standing: standingOf(state, request.userId), news: newsOf(state) }));
    case 'configure': {
      const outcome = configure(state, request.change);
      return () => request.reply(outcome);
    }
    case 'checkout':
      checkout(state, request.news);
      return () => request.reply(done());
    case 'follow':
      return () => state.around.followers.follow(request.node, request.reply, () => presentNews(state));
  }
}

const done = () => accept(null);

/** Notes that a user is there; their place, if they have one. */
function see(state: State, userId: string): Person | undefined {
  const nowMs = state.self.now();
  const person = state.room.people.get(userId);
  if (person) person.seenAtMs = nowMs;
  if (state.room.terms.mode === 'off') state.around.presence.seen(userId, nowMs);
  return person;
}

// ---- join and leave

function join(state: State, { userId, accessCode }: Extract<RoomRequest, { kind: 'join' }>): () => Outcome<Joined> {
  const { room } = state;
  const present = see(state, userId);
  if (present) return () => joined(state, present, false);
  const line = lineFor(state, accessCode);
  if (!line.ok) return () => line;
  const refusal = whyNobodyJoins(state);
  if (refusal) return () => refusal;
  const { name, reason } = line.value;
  const place = room.lines[name].summary(0).tail + 1;
  write(state, { kind: 'join', userId, line: name, place, detail: reason });
  const person = room.people.get(userId) as Person;
  state.missing.add(userId, person.seenAtMs + room.terms.graceMs);
  return () => joined(state, person, true);
}

function joined(state: State, person: Person, isNew: boolean): Outcome<Joined> {
  const standing = standingOf(state, person.userId);
  // They left again in the same batch: the place is gone, and the next join gives a new one.
  if (!standing) return reject('INVALID_STATE', { queue: 'left' });
  return accept({ standing, isNew, waiting: state.room.waiting });
}

function lineFor(state: State, accessCode: string | null): Outcome<{ name: LineName; reason: string }> {
  const { room, stock, acquired, deps } = state;
  if (accessCode !== null) {
    const codeHash = deps.sha256(accessCode);
    const codes = state.draft.accessCodes ?? acquired?.accessCodes ?? [];
    const code = codes.find((one) => one.codeHash === codeHash);
    if (!code) return reject('VALIDATION_ERROR', { access_code: 'not a code of this event' });
    return accept({ name: 'priority', reason: code.reason });
  }
  const isEarly = room.commitment !== null && !room.shuffled && state.self.now() < stock.saleStartMs;
  return accept({ name: isEarly ? 'lobby' : 'regular', reason: '' });
}

function whyNobodyJoins(state: State): Outcome<never> | null {
  const { room, stock, self } = state;
  const { mode } = room.terms;
  if (mode === 'off') return reject('INVALID_STATE', { queue: 'off' }, 'no pass is needed: reserve at once');
  if (mode === 'drain') return reject('INVALID_STATE', { queue: 'drain' }, 'the waiting room takes nobody any more');
  if (self.now() >= stock.saleEndMs) return reject('SALE_ENDED');
  if (isSoldOut(stockNow(state))) return reject('INSUFFICIENT_STOCK', { available: 0, held_may_return: 0 });
  return null;
}

/** Ends a place, or a pass that made no booking; who is at the checkout is let be. */
export function leave(state: State, userId: string, why: 'left' | 'timed_out'): void {
  const person = state.room.people.get(userId);
  if (person?.stage === 'waiting')
    write(state, { kind: 'leave', userId, line: person.line, place: person.place, detail: why });
  else if (person?.stage === 'admitted') release(state, person, 'left');
}

/** Frees a slot. */
export function release(state: State, person: Person, why: string): void {
  state.around.uses.delete(person.admission);
  state.releases.note(1, state.self.now());
  write(state, { kind: 'release', userId: person.userId, detail: why });
}

// ---- terms

function configure(state: State, { cause, accessCodes, ...change }: RoomChange): Outcome<RoomTerms> {
  const terms: RoomTerms = { ...state.room.terms, ...change };
  write(state, { kind: 'configure', detail: termsText(terms, cause) });
  if (accessCodes)
    state.draft.accessCodes = accessCodes.map(({ code, reason }) => ({ codeHash: state.deps.sha256(code), reason }));
  return accept(terms);
}

// ---- passes

/**
 * One pass makes one booking. A key that is being tried, or that made the booking, may come again: the zone answers it
 * the same. Another key is refused until the first one's outcome is known to be a refusal.
 */
function use(state: State, { userId, admission, endsAtMs, key }: PassUse): Outcome<null> {
  const person = state.room.people.get(userId);
  if (person?.admission !== admission) return invalidPass(endsAtMs <= state.self.now() ? 'expired' : 'unknown');
  const under = state.around.uses.get(admission);
  if (under) {
    if (under.key !== key) return invalidPass('used');
    under.tries++;
    return accept(null);
  }
  if (person.stage === 'checkout') return invalidPass('used');
  if (person.passEndsAtMs <= state.self.now()) return invalidPass('expired');
  state.around.uses.set(admission, { key, tries: 1 });
  return accept(null);
}

function invalidPass(reason: string): Outcome<never> {
  return reject('QUEUE_PASS_INVALID', { reason });
}

function used(state: State, { userId, admission }: PassUse, end: UseEnd): void {
  const under = state.around.uses.get(admission);
  if (under) under.tries--;
  const person = state.room.people.get(userId);
  if (person?.admission !== admission) return;
  if (end.end === 'made') redeem(state, person, end);
  if (end.end !== 'unknown' && under?.tries === 0 && person.stage === 'admitted') state.around.uses.delete(admission);
}

function redeem(state: State, person: Person, { bookingId, quantity, atMs }: MadeBooking): void {
  if (person.stage !== 'admitted' || atMs < person.admittedAtMs) return;
  write(state, { kind: 'redeem', userId: person.userId, detail: bookingId });
  state.record.made(quantity);
  state.seatsTaken += quantity;
}

/** Also called for what the truth says of the bookings of those who have a slot. */
export function checkout(state: State, news: CheckoutNews): void {
  if (news.kind === 'created') {
    const holder = state.room.active.get(news.userId);
    if (holder) redeem(state, holder, news);
    return;
  }
  const buyer = state.room.checkouts.get(news.bookingId);
  if (!buyer) return;
  state.record.ended(news.kind === 'completed');
  release(state, buyer, news.kind);
}
