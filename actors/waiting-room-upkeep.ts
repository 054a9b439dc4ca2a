/** What happens in a waiting room by itself: passes end, people are missed, the lobby is shuffled, slots are filled. */
import { admissible, isSoldOut } from '../engine/admission.ts';
import type { Checkout } from '../engine/room-ledger.ts';
import { seedCommitment } from '../engine/shuffle.ts';
import { termsText } from '../engine/waiting-room.ts';
import type { Happening } from './waiting-room.ts';
import { checkout, leave, release } from './waiting-room-judge.ts';
import { newsEveryMs, type State, stockNow, write } from './waiting-room-state.ts';
import { surveyRoom } from './waiting-room-truth.ts';

/** People looked after in one turn; the others in the next ones. */
const missedMax = 5_000;
/** A longer time between two ticks means that the process slept or the clock jumped: nobody can be blamed for it. */
const sleptTicks = 10;

/** Only while no batch is on its way: what is written here leaves with the next one. */
export function happen(state: State, message: Happening): void {
  switch (message.type) {
    case 'tick':
      state.ticking = false;
      state.newsDue = true;
      if (isUpkeepDue(state)) {
        keepUp(state);
        survey(state);
      }
      break;
    case 'pass-over':
      state.awaitsPassEnd = false;
      endPasses(state);
      break;
    case 'surveyed':
      surveyed(state, message);
      break;
  }
}

function survey(state: State): void {
  if (state.surveying) return;
  state.surveying = true;
  const asked = { seatsBefore: state.seatsTaken, epoch: epochOf(state) };
  state.self.pipe(
    surveyRoom(state.deps.ledger, state.eventId, [...state.room.active.keys()]),
    (found) => ({ type: 'surveyed', survey: found, ...asked }),
    (error) => ({ type: 'not-surveyed', error }),
  );
}

type Surveyed = Extract<Happening, { readonly type: 'surveyed' }>;

function surveyed(state: State, { survey: { stock, checkouts }, seatsBefore, epoch }: Surveyed): void {
  state.surveying = false;
  // Asked before the room was taken over anew: that has surveyed it since, and counts the seats from nothing.
  if (epoch !== epochOf(state)) return;
  const before = isSoldOut(stockNow(state));
  state.stock = stock;
  state.seatsTaken -= seatsBefore;
  meetTruth(state, checkouts);
  if (isSoldOut(stockNow(state)) !== before) state.newsDue = true;
}

const epochOf = ({ acquired }: State) => acquired?.lease.epoch ?? 0;

/** Not with the news between two ticks. A clock that was set back does not put it off. */
function isUpkeepDue({ self, tickedAtMs, deps: { limits } }: State): boolean {
  return Math.abs(self.now() - tickedAtMs) >= limits.tickMs - newsEveryMs(limits) / 2;
}

/** Once a tick. */
function keepUp(state: State): void {
  const { self, deps } = state;
  const nowMs = self.now();
  if (nowMs - state.tickedAtMs > sleptTicks * deps.limits.tickMs) forgiveEverybody(state);
  state.tickedAtMs = nowMs;
  endPasses(state);
  missPeople(state);
}

/** Frees the slots of passes that are over. */
function endPasses(state: State): void {
  const nowMs = state.self.now();
  for (const person of [...state.room.active.values()])
    if (person.stage === 'admitted' && person.passEndsAtMs <= nowMs && !isBeingUsed(state, person.admission))
      release(state, person, 'pass_expired');
}

/** Has the end of the next pass told when it comes: the slot is not to lie idle until a tick. */
export function awaitPassEnd(state: State): void {
  if (state.awaitsPassEnd) return;
  const nowMs = state.self.now();
  for (const { stage, passEndsAtMs } of state.room.active.values()) {
    if (stage !== 'admitted' || passEndsAtMs <= nowMs) continue;
    // Passes end in the order in which they were given; when their terms were changed meanwhile, the tick sees to it.
    state.awaitsPassEnd = true;
    state.self.after(passEndsAtMs - nowMs, { type: 'pass-over' });
    return;
  }
}

/** A reservation that was begun with the pass is waited for: it may have made a booking. */
function isBeingUsed({ around }: State, admission: number): boolean {
  return (around.uses.get(admission)?.tries ?? 0) > 0;
}

/** Turns a room on that is off when enough users are there. */
export function activate(state: State): void {
  const { room, around } = state;
  const { mode, activationUsers } = room.terms;
  if (mode !== 'off' || activationUsers === null || around.presence.users < activationUsers) return;
  write(state, { kind: 'configure', detail: termsText({ ...room.terms, mode: 'open' }, 'live users') });
}

/** Whoever was not seen for the grace, and has no live connection, loses their place. */
function missPeople(state: State): void {
  const { room, missing, around, self } = state;
  const nowMs = self.now();
  for (const userId of missing.takeDue(nowMs, missedMax)) {
    const person = room.people.get(userId);
    if (person?.stage !== 'waiting') continue;
    if (around.presence.isConnected(userId)) person.seenAtMs = nowMs;
    const untilMs = person.seenAtMs + room.terms.graceMs;
    if (untilMs > nowMs) missing.add(userId, untilMs);
    else leave(state, userId, 'timed_out');
  }
}

/** Has everybody who waits been seen just now. */
export function forgiveEverybody(state: State): void {
  seeNow(state, state.room.people.keys());
}

/** Has these users been seen just now: for whoever of them is in the room, the grace begins anew. */
export function seeNow({ room, self }: State, userIds: Iterable<string>): void {
  const nowMs = self.now();
  for (const userId of userIds) {
    const person = room.people.get(userId);
    if (person) person.seenAtMs = nowMs;
  }
}

/** Commits to the shuffle's seed while the lobby is empty, and shuffles at the start of the sale. */
export function keepLobby(state: State): void {
  const { room, stock, acquired, deps, self } = state;
  if (!acquired || !Number.isFinite(stock.saleStartMs)) return;
  const started = self.now() >= stock.saleStartMs;
  if (room.commitment === null && !started && room.terms.mode !== 'off')
    write(state, { kind: 'commit', detail: seedCommitment(acquired.seed, deps.sha256) });
  else if (room.commitment !== null && !room.shuffled && started)
    write(state, { kind: 'shuffle', place: room.lines.lobby.waiting, detail: acquired.seed });
}

/** Fills the free slots in the order of the lines. */
export function admit(state: State): void {
  const { room, record, rate, self } = state;
  const nowMs = self.now();
  const max = admissible(room, stockNow(state), { record, rateBudget: rate.left(room.terms, nowMs), nowMs });
  if (max > 0 && room.active.size === 0 && room.next()) state.releases.begin(nowMs);
  let admitted = 0;
  for (let person = room.next(); person && admitted < max; person = room.next()) {
    const { userId, line, place } = person;
    const endsAtMs = nowMs + room.terms.passTtlMs;
    write(state, { kind: 'admit', userId, line, place, detail: String(endsAtMs) });
    admitted++;
  }
  rate.take(admitted);
}

/** Brings the room level with what the truth says of the bookings of those who have a slot. */
export function meetTruth(state: State, checkouts: readonly Checkout[]): void {
  for (const { userId, bookingId, quantity, createdAtMs, status, key } of checkouts) {
    checkout(state, { kind: 'created', userId, bookingId, quantity, atMs: createdAtMs });
    const buyer = state.room.checkouts.get(bookingId);
    // Whoever tries a reservation again after a restart is told of the booking that it made.
    if (buyer && !state.around.uses.has(buyer.admission)) state.around.uses.set(buyer.admission, { key, tries: 0 });
    const end = endOf(status);
    if (end) checkout(state, { kind: end, bookingId });
  }
}

/** What the status of a booking means for the slot of its checkout; null: it still has it. */
function endOf(status: string): 'completed' | 'failed' | 'expired' | null {
  switch (status) {
    case 'confirmed':
    case 'refunded':
      return 'completed';
    case 'cancelled':
      return 'failed';
    case 'expired':
      return 'expired';
    default:
      return null;
  }
}
