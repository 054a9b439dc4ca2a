/**
 * A zone in doubt: closed to new batches until everything under way has ended, taken over again, and every batch that
 * was under way resolved by what the truth says. The same path at start, after a fail-over and after a lost answer.
 */
import { Deadlines } from '../engine/deadlines.ts';
import { KeyFilter } from '../engine/key-filter.ts';
import { accept, type Outcome, unavailable } from '../engine/outcome.ts';
import type { ReacquireCommand, WriteOffCommand, ZoneCommand } from '../engine/zone.ts';
import { type Doubt, type Ownership, takeOver } from './take-over.ts';
import { answerDurable, refuse, replay } from './zone-answers.ts';
import type { Flight } from './zone-flight.ts';
import type { ZoneRequest } from './zone-requests.ts';
import type { State } from './zone-state.ts';

/** Closes the zone until gate and truth are known to agree. */
export function doubt(state: State, why: string, error?: unknown): void {
  if (state.phase === 'open') {
    state.phase = 'doubtful';
    state.deps.watch.doubted(state.zoneId, why, error);
  }
  startTakeOver(state);
}

/** The flight may have passed the gate, and surely never went to the truth. */
export function judgeAgain(state: State, { entries }: Flight): void {
  state.again.unshift(...entries.map((entry) => entry.request));
}

/** Takes over once nothing of this owner is under way any more. */
export function startTakeOver(state: State): void {
  if (state.phase !== 'doubtful' || state.takingOver || state.gating || state.committing > 0) return;
  state.takingOver = true;
  if (!state.sweeping) refuseLate(state);
  const { zoneId, deps } = state;
  state.self.pipe(
    deps.lease(zoneId).then(() => takeOver(zoneId, deps, contradiction(state))),
    (ownership) => ({ type: 'took-over', ownership }),
    (error) => ({ type: 'take-over-failed', error }),
  );
}

function contradiction({ refused }: State): Doubt | null {
  if (!refused) return null;
  const commands = refused.entries.map((entry) => entry.command);
  return {
    eventId: refused.lease.eventId,
    uses: commands.filter((command) => command.kind === 'reserve'),
    moves: commands.filter(isUnknownToGate).map(({ bookingId, kind }) => ({ bookingId, move: kind })),
  };
}

/** The gate knows holds; these commands are about bookings that have none. */
function isUnknownToGate(command: ZoneCommand): command is ReacquireCommand | WriteOffCommand {
  return command.kind === 'reacquire' || command.kind === 'write-off';
}

export function tookOver(state: State, ownership: Ownership | null): void {
  state.takingOver = false;
  state.failures = 0;
  state.patience.pause();
  if (!ownership) {
    state.phase = 'absent';
    return;
  }
  state.deadlines = new Deadlines();
  state.usedKeys = new KeyFilter();
  for (const prefix of ownership.usedKeys) state.usedKeys.addPrefix(prefix);
  for (const hold of ownership.holds) state.deadlines.add(hold.bookingId, hold.expiresAtMs);
  resolveDoubt(state, ownership);
  state.phase = 'open';
  state.ownership = ownership;
  state.version = ownership.version;
  state.available = ownership.available;
  state.held = ownership.held;
  state.settled = [...ownership.settled];
  state.owesRelease = state.settled.length > 0;
}

/**
 * Decides about every batch that was under way. Nobody but we raised versions since our lease: a batch below the truth's
 * version is durable, and the others never were. With another owner in between nothing can be told.
 */
function resolveDoubt(state: State, ownership: Ownership): void {
  const again: ZoneRequest[] = [];
  for (const cleared of state.commits.splice(0)) {
    const undisturbed = cleared.flight.lease.epoch === ownership.previousEpoch;
    if (undisturbed && cleared.flight.version < ownership.version) answerDurable(state, cleared);
    else if (undisturbed) again.push(...cleared.won.map((entry) => entry.request));
    else for (const { request } of cleared.won) refuse(state, request, unknownFate);
  }
  state.refused = null;
  const { made, immovable } = ownership.objections;
  const madeBy = new Map(made.map((booking) => [booking.key, booking]));
  for (const request of again) {
    if (request.kind === 'reserve') {
      const booking = madeBy.get(request.key);
      if (booking) state.keys.settle(request, replay(request, booking));
      else state.again.push(request);
    } else if (immovable.has(request.bookingId)) request.reply(accept('absent'));
    else state.again.push(request);
  }
}

const unknownFate = unavailable('whether this happened is not known; the same key tells');

/** Answers everything that a crashed incarnation had accepted. */
export function abandonState(state: State): void {
  const entries = [...state.commits.flatMap(({ won }) => won), ...(state.gating?.entries ?? [])];
  for (const request of [...entries.map((entry) => entry.request), ...state.again]) refuse(state, request, unknownFate);
  // Those whose booking the truth was just asked for.
  state.keys.settleAll(unknownFate);
}

export function takeOverFailed(state: State, error: unknown): void {
  const { first, most } = retryMs;
  state.takingOver = false;
  state.deps.watch.doubted(state.zoneId, 'the take-over failed', error);
  state.self.after(Math.min(most, first * 2 ** state.failures++), { type: 'take-over' });
}

/** Delay before the next take-over when one failed: doubles from the first to the second. */
const retryMs = { first: 50, most: 1_000 };

/** How often a closed zone looks for requests that have waited long enough; a rebuild can take seconds. */
const sweepMs = 250;

/** While the zone is closed, whoever has waited long enough hears so. */
export function refuseLate(state: State): void {
  state.sweeping = state.phase === 'doubtful';
  if (!state.sweeping) return;
  state.self.after(sweepMs, { type: 'sweep' });
  const nowMs = state.self.now();
  const waits = (request: ZoneRequest, refusal: Outcome<never>) => {
    if (request.deadlineMs >= nowMs) return true;
    refuse(state, request, refusal);
    return false;
  };
  const waiting = [...state.again, ...state.inbox.take(Number.POSITIVE_INFINITY)];
  state.again = waiting.filter((request) => waits(request, closed));
  for (const [index, { flight, won }] of state.commits.entries())
    state.commits[index] = { flight, won: won.filter(({ request }) => waits(request, unknownFate)) };
}

const closed = unavailable('the zone is being recovered');
