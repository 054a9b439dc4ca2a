/**
 * This node's place in the cluster: it beats, sees who else does, and tells what that means for who owns what. A node that
 * could not beat for too long counts itself out before the others may: its view is then empty, and it owns nothing.
 *
 * It neither starts nor stops what is owned (shards.ts), and it does not make anything safe: epochs do (docs/adr/0018).
 */
import {
  type Beat,
  type ClusterView,
  isSameView,
  type Member,
  type Register,
  type Shard,
  viewOf,
} from '../../engine/membership.ts';
import type { Cancel } from '../../engine/ports.ts';
import type { ActorRef, Actors, Behaviour, Self } from '../kit.ts';

// ---- Protocol

type Message =
  | { readonly type: 'beat' }
  | { readonly type: 'beaten'; readonly beat: Beat; readonly sentAtMs: number }
  | { readonly type: 'not-beaten'; readonly error: unknown }
  | { readonly type: 'lapse'; readonly dueAtMs: number };

// ---- Client

export interface Membership {
  readonly nodeId: string;
  /** Empty while this node is not in the cluster. */
  readonly view: ClusterView;
  /** Beats now; resolves when the register has answered, or could not. */
  refresh(): Promise<void>;
  /** Owns nothing from now on, and says so; resolves when the register knows, or could not be told. */
  leave(): Promise<void>;
  /** Takes a member off the register whose process has surely ended: nobody need wait until it is missed. */
  bury(nodeId: string, publicKey: string): Promise<void>;
  /** Ends: the others need not wait until this node is missed. */
  resign(): Promise<void>;
  /** Which node has the lease of a shard after this node asked for it. Rejects when that is not known. */
  claim(shard: Shard): Promise<string>;
  release(shard: Shard): Promise<void>;
}

// ---- Behaviour

export interface MembershipLimits {
  readonly beatMs: number;
  /** Silence after which others may count this node out. */
  readonly memberTtlMs: number;
}

/** Told of what an operator must be able to see. */
export interface MembershipWatch {
  changed(view: ClusterView): void;
  /** A beat got no answer. */
  missed(error: unknown): void;
  /** No beat for so long that this node counts itself out. */
  lapsed(): void;
  /** A newer start of this node's id is there: this one stays out for good. */
  replaced(): void;
}

export interface MembershipDeps {
  readonly actors: Actors;
  readonly register: Register;
  readonly self: Omit<Member, 'state'>;
  readonly limits: MembershipLimits;
  readonly watch: MembershipWatch;
}

/** What outlives an incarnation of the actor. */
interface Place {
  self: Member;
  view: ClusterView;
  /** Whether a beat of this start of the node was ever answered. */
  joined: boolean;
  replaced: boolean;
  /** Until then nobody is taken off the view: the register was lost, and the others are about to beat again. */
  keepUntilMs: number;
  /** Who waits for the next beat, and for the one that is under way. */
  next: (() => void)[];
  waiting: (() => void)[];
}

interface State {
  readonly place: Place;
  beating: boolean;
  /** The beat that is under way is the last try. */
  lapses: boolean;
  cancelBeat: Cancel;
  cancelLapse: Cancel;
}

function receive(deps: MembershipDeps, state: State, message: Message, self: Self<Message>): State {
  switch (message.type) {
    case 'beat':
      beat(deps, state, self);
      break;
    case 'beaten':
      beaten(deps, state, message, self);
      ended(deps, state, self);
      break;
    case 'not-beaten':
      deps.watch.missed(message.error);
      if (state.lapses) lapse(deps, state);
      ended(deps, state, self);
      break;
    case 'lapse':
      // A process that stood still comes too late to be out before the others may act. It asks first: mostly nobody did.
      state.lapses = self.now() - message.dueAtMs > deps.limits.beatMs;
      if (!state.lapses) lapse(deps, state);
      else beat(deps, state, self);
      break;
  }
  return state;
}

function beat({ register }: MembershipDeps, state: State, self: Self<Message>): void {
  const { place } = state;
  if (state.beating || place.replaced) return;
  state.beating = true;
  state.cancelBeat();
  place.waiting = place.next.splice(0);
  const sentAtMs = self.now();
  self.pipe(
    register.beat(place.self, !place.joined),
    (answer) => ({ type: 'beaten', beat: answer, sentAtMs }),
    (error) => ({ type: 'not-beaten', error }),
  );
}

function lapse(deps: MembershipDeps, state: State): void {
  state.lapses = false;
  deps.watch.lapsed();
  show(deps, state.place, []);
}

function ended({ limits }: MembershipDeps, state: State, self: Self<Message>): void {
  const { place } = state;
  state.beating = false;
  for (const wake of place.waiting.splice(0)) wake();
  state.cancelBeat = self.after(place.next.length > 0 ? 0 : limits.beatMs, { type: 'beat' });
}

function beaten(
  deps: MembershipDeps,
  state: State,
  { beat: answer, sentAtMs }: Extract<Message, { type: 'beaten' }>,
  self: Self<Message>,
): void {
  const { place } = state;
  const { beatMs, memberTtlMs } = deps.limits;
  state.cancelLapse();
  state.lapses = false;
  if (answer.kind === 'replaced') {
    place.replaced = true;
    deps.watch.replaced();
    show(deps, place, []);
    return;
  }
  // A beat's time before the others may act, to end what is under way.
  const dueAtMs = sentAtMs + memberTtlMs - beatMs;
  state.cancelLapse = self.after(dueAtMs - self.now(), { type: 'lapse', dueAtMs });
  if (answer.wasUnknown && place.joined) place.keepUntilMs = self.now() + memberTtlMs;
  place.joined = true;
  const present = new Set(answer.members.map(({ nodeId }) => nodeId));
  const kept = self.now() < place.keepUntilMs ? place.view.members.filter(({ nodeId }) => !present.has(nodeId)) : [];
  show(deps, place, [...answer.members, ...kept]);
}

function show({ watch }: MembershipDeps, place: Place, members: readonly Member[]): void {
  const view = viewOf(members);
  if (isSameView(view, place.view)) return;
  place.view = view;
  watch.changed(view);
}

// ---- Lifecycle

/** Joins the cluster with the first beat. */
export function startMembership(deps: MembershipDeps): Membership {
  const { actors, register } = deps;
  const place: Place = {
    self: { ...deps.self, state: 'serving' },
    view: viewOf([]),
    joined: false,
    replaced: false,
    keepUntilMs: 0,
    next: [],
    waiting: [],
  };
  const behaviour: Behaviour<State, Message> = {
    begin(self) {
      place.next.push(...place.waiting.splice(0));
      self.tell({ type: 'beat' });
      return { place, beating: false, lapses: false, cancelBeat: () => {}, cancelLapse: () => {} };
    },
    receive: (state, message, self) => receive(deps, state, message, self),
    abandon: () => {},
  };
  const { beatMs } = deps.limits;
  const ref: ActorRef<Message> = actors.spawn('membership', behaviour, {
    mailboxMax: 10_000,
    restart: { minMs: beatMs, maxMs: beatMs },
  });
  const refresh = () =>
    new Promise<void>((resolve) => {
      if (place.replaced) return resolve();
      place.next.push(resolve);
      actors.tell(ref, { type: 'beat' });
    });
  return {
    nodeId: deps.self.nodeId,
    get view() {
      return place.view;
    },
    refresh,
    leave() {
      place.self = { ...place.self, state: 'leaving' };
      return refresh();
    },
    async bury(nodeId, publicKey) {
      const dead = place.view.members.find((member) => member.nodeId === nodeId);
      // It may have started anew meanwhile, at another address.
      if (dead?.address.publicKey !== publicKey) return;
      await register.leave(dead).catch(deps.watch.missed);
      await refresh();
    },
    async resign() {
      actors.stop(ref);
      await register.leave(place.self);
    },
    claim: (shard) => register.claim(place.self, shard),
    release: (shard) => register.release(place.self, shard),
  };
}
