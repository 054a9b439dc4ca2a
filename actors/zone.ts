/**
 * The zone actor: the only one that changes a zone's counters and the status of its bookings. It gathers what waits into
 * a batch, has the gate judge it, has the truth commit what the gate let through, and answers after the commit.
 *
 * Whenever it is not sure what gate or truth did (a lost answer, a refused batch) it guesses nothing: it lets everything
 * under way end, takes over from itself (take-over.ts), learns from the truth's version which of its batches are
 * durable, answers those, and judges the others again. Start and recovery after a crash are the same path.
 *
 * It does not decide who owns which zone (cluster/shards.ts), nor windows of sale and prices (the edge, the catalogue).
 */
import { accept, type Outcome, unavailable } from '../engine/outcome.ts';
import type { CommitAnswer, GateAnswer } from '../engine/ports.ts';
import { Fifo } from './fifo.ts';
import { Inbox } from './inbox.ts';
import { type ActorRef, type Behaviour, type Reply, stopWhenDone } from './kit.ts';
import type { Ownership } from './take-over.ts';
import { answerDurable, answerGated, noSuchZone, refuseAll } from './zone-answers.ts';
import { abandonState, doubt, judgeAgain, refuseLate, startTakeOver, takeOverFailed, tookOver } from './zone-doubt.ts';
import { type Cleared, commitBatch, type Flight } from './zone-flight.ts';
import { planFlight, shortOfBatch } from './zone-plan.ts';
import type { Reservation, ReserveRequest, ZoneAddress, ZoneRequest } from './zone-requests.ts';
import { newState, type State, type ZoneDeps } from './zone-state.ts';

// ---- Protocol: requests wait in the inbox (zone-requests.ts); messages only say that something happened.

export type ZoneMessage =
  | { readonly type: 'wake' }
  | { readonly type: 'due' }
  | { readonly type: 'take-over' }
  | { readonly type: 'sweep' }
  | { readonly type: 'close'; readonly done: Reply<null> }
  | { readonly type: 'took-over'; readonly ownership: Ownership | null }
  | { readonly type: 'take-over-failed'; readonly error: unknown }
  | { readonly type: 'gated'; readonly flight: Flight; readonly answer: GateAnswer }
  | { readonly type: 'gate-lost'; readonly flight: Flight; readonly error: unknown }
  | { readonly type: 'committed'; readonly flight: Flight; readonly answer: CommitAnswer }
  | { readonly type: 'commit-lost'; readonly error: unknown }
  | { readonly type: 'recalled'; readonly request: ReserveRequest; readonly outcome: Outcome<Reservation> };

// ---- Client: the functions of zone-requests.ts, over this address.

export interface LocalZone extends ZoneAddress {
  readonly ref: ActorRef<ZoneMessage>;
  /** Null while the zone is being taken over. */
  readonly epoch: number | null;
  /** Requests that wait for a batch. */
  readonly waiting: number;
  /** Ends the actor once everything it has accepted is answered; what is not after `graceMs` hears that nobody knows. */
  close(graceMs: number): Promise<void>;
}

// ---- Behaviour

function receive(state: State, message: ZoneMessage): State {
  switch (message.type) {
    case 'wake':
      advance(state);
      break;
    case 'due':
      state.due = null;
      advance(state);
      break;
    case 'take-over':
      startTakeOver(state);
      break;
    case 'sweep':
      refuseLate(state);
      break;
    case 'close':
      state.closing = message.done;
      advance(state);
      break;
    case 'took-over':
      tookOver(state, message.ownership);
      advance(state);
      break;
    case 'take-over-failed':
      takeOverFailed(state, message.error);
      break;
    case 'gated':
      gated(state, message.flight, message.answer);
      break;
    case 'gate-lost':
      state.gating = null;
      judgeAgain(state, message.flight);
      doubt(state, 'the gate did not answer', message.error);
      break;
    case 'committed':
      committed(state, message.flight, message.answer);
      break;
    case 'commit-lost':
      state.committing--;
      doubt(state, 'the truth did not answer', message.error);
      break;
    case 'recalled':
      state.keys.settle(message.request, message.outcome);
      break;
  }
  turnAway(state);
  if (state.closing && isIdle(state)) state.closing(accept(null));
  return state;
}

/**
 * Tells some of those for whom there was no room, in each turn. Whoever is told at once asks at once: a crowd of more
 * than a thousand sockets would keep the event loop reading (libuv reads 48 × 1 024 events before it lets anything else
 * run) and this actor from its turns. So a crowd is told "not now" no faster than others are served.
 */
function turnAway({ turnedAway, deps, self, gating, committing, phase }: State): void {
  if (turnedAway.length === 0) return;
  for (const request of turnedAway.take(Math.ceil(deps.limits.batchMax / 2))) request.reply(busy);
  // What is under way comes back here.
  const isBusy = phase === 'open' && (gating !== null || committing > 0);
  if (turnedAway.length > 0 && !isBusy) self.tell({ type: 'wake' });
}

/**
 * Nothing that was accepted waits for an answer, and nothing of this owner is under way. In doubt there is nothing to finish:
 * who waits is told to come again, and the next owner need not wait, too.
 */
function isIdle({ phase, gating, committing, takingOver, commits, again, keys, inbox, turnedAway }: State): boolean {
  if (gating || committing > 0 || takingOver) return false;
  if (phase === 'doubtful') return true;
  return !keys.areUnderWay && commits.length + again.length + inbox.length + turnedAway.length === 0;
}

/** Sends the next batch to the gate, as far as the pipeline has room. */
function advance(state: State): void {
  if (state.phase === 'absent') refuseAll(state, noSuchZone);
  if (state.phase !== 'open') return;
  if (state.gating || state.commits.length >= state.deps.limits.commitsMax) return;
  const short = shortOfBatch(state);
  if (state.commits.length > 0 && short > 0) {
    state.inbox.leave(state.inbox.length + short);
    return;
  }
  const flight = planFlight(state);
  if (flight) startGating(state, flight);
  // What is held back waits for a commit, which comes back here.
  else if (state.again.length === 0 && state.inbox.length > 0) state.self.tell({ type: 'wake' });
  armExpiry(state);
}

function startGating(state: State, flight: Flight): void {
  const { gate, watch } = state.deps;
  const { batchId, lease, version, terms, nowMs, entries } = flight;
  const settled = state.settled;
  state.settled = [];
  state.owesRelease = false;
  state.gating = flight;
  if (entries.length > 0) watch.batched(entries.length);
  const answered = watch.timed('lua');
  state.self.pipe(
    gate.apply({
      batchId,
      lease,
      version,
      settled,
      maxPerUser: terms.maxPerUser,
      nowMs,
      commands: entries.map((entry) => entry.command),
    }),
    (answer) => {
      answered();
      return { type: 'gated', flight, answer };
    },
    (error) => ({ type: 'gate-lost', flight, error }),
  );
}

function gated(state: State, flight: Flight, answer: GateAnswer): void {
  state.gating = null;
  if (!answer.ok || state.phase === 'doubtful') {
    if (!answer.ok) state.deps.watch.refused('gate', answer.reason);
    judgeAgain(state, flight);
    doubt(state, answer.ok ? 'another batch is in doubt' : `the gate is ${answer.reason}`);
    return;
  }
  state.available = answer.available;
  state.held = answer.held;
  const cleared = answerGated(state, flight, answer.answers);
  if (cleared.won.length > 0) {
    state.version = flight.version + 1;
    startCommit(state, cleared);
  }
  advance(state);
}

/** Behind the commits that are on their way: the truth takes it only when it took them. */
function startCommit(state: State, cleared: Cleared): void {
  const { flight } = cleared;
  state.commits.push(cleared);
  state.committing++;
  const answered = state.deps.watch.timed('commit');
  state.self.pipe(
    state.deps.ledger.commit(commitBatch(cleared)),
    (answer) => {
      answered();
      return { type: 'committed', flight, answer };
    },
    (error) => ({ type: 'commit-lost', error }),
  );
}

function committed(state: State, flight: Flight, answer: CommitAnswer): void {
  state.committing--;
  const [oldest] = state.commits;
  if (answer !== 'committed') {
    if (answer === 'conflict') state.refused = flight;
    else state.deps.watch.refused('truth', answer);
    doubt(state, `the truth answered ${answer}`);
  } else if (oldest?.flight !== flight) {
    // It is durable; what became of the one before, the take-over will tell of both.
    doubt(state, 'the truth has not answered an older batch');
  } else {
    state.commits.shift();
    answerDurable(state, oldest);
    if (state.phase === 'doubtful') startTakeOver(state);
    // A small batch takes along who asks in this turn, as those do who were answered in it, by all zones that shared the commit.
    else if (state.inbox.length > 0 && shortOfBatch(state) > 0) state.self.tell({ type: 'wake' });
    else advance(state);
  }
}

/** Keeps one timer, for the hold that runs out first. */
function armExpiry(state: State): void {
  const nextAtMs = state.deadlines.nextAtMs;
  if (nextAtMs === null || (state.due && state.due.atMs <= nextAtMs)) return;
  state.due?.cancel();
  const delayMs = Math.max(0, nextAtMs - state.self.now());
  state.due = { atMs: nextAtMs, cancel: state.self.after(delayMs, { type: 'due' }) };
}

// ---- Lifecycle

/** Starts the actor of one zone. It takes the zone over at once; until then requests wait. */
export function startZone(zoneId: string, deps: ZoneDeps): LocalZone {
  const { actors, limits } = deps;
  const inbox = new Inbox<ZoneRequest>(limits.inboxMax, () => actors.tell(ref, { type: 'wake' }));
  const turnedAway = new Fifo<ZoneRequest>();
  let present: State | null = null;
  const behaviour: Behaviour<State, ZoneMessage> = {
    begin(self) {
      if (present) abandonState(present);
      present = newState({ zoneId, deps, inbox, turnedAway, self });
      self.tell({ type: 'take-over' });
      return present;
    },
    receive,
    // What a message carried is also in the state, which is abandoned as a whole.
    abandon: () => {},
  };
  const ref: ActorRef<ZoneMessage> = actors.spawn(`zone:${zoneId}`, behaviour, {
    mailboxMax: 10_000,
    restart: { minMs: 100, maxMs: 10_000 },
  });
  let closed = false;
  return {
    ref,
    get epoch() {
      return present?.phase === 'open' ? (present.ownership?.lease.epoch ?? null) : null;
    },
    get waiting() {
      return inbox.length;
    },
    send(request) {
      if (closed) {
        request.reply(elsewhere);
        return;
      }
      // Whoever pays or gives back is not turned away for those who come to buy.
      const max = request.kind === 'reserve' && present ? present.lineMax : limits.inboxMax;
      if (inbox.offer(request, max)) return;
      turnedAway.push(request);
      if (turnedAway.length === 1) actors.tell(ref, { type: 'wake' });
    },
    async close(graceMs) {
      closed = true;
      await stopWhenDone<ZoneMessage>(actors, ref, (done) => ({ type: 'close', done }), graceMs);
      if (present) abandonState(present);
      for (const request of [...inbox.take(Number.POSITIVE_INFINITY), ...turnedAway.take(Number.POSITIVE_INFINITY)])
        request.reply(elsewhere);
    },
  };
}

const elsewhere = unavailable('the zone is moving to another node');
const busy = unavailable('too many requests wait for this zone');
