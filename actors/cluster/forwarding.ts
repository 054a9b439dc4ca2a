/**
 * The way of a request to an entity of another node, and of its answer back. A request travels at most once from where it
 * came in: a node that is asked for what it does not own answers `moved`, and the asker tries once more where its view,
 * looked up anew, says. Nothing is sent again whose fate is not known.
 */
import type { Shard, ShardKind } from '../../engine/membership.ts';
import type { Mesh, MeshHandler, MeshReply } from '../../engine/mesh.ts';
import { type Outcome, unavailable } from '../../engine/outcome.ts';
import type { Timers, World } from '../../engine/ports.ts';
import type { Reply } from '../kit.ts';
import type { Membership } from './membership.ts';

/** How requests of one kind travel: what of them is sent (as msgpack has it), and what is made of that where it arrives. */
export interface Wire<R> {
  orderOf(request: R): { readonly order: unknown; readonly deadlineMs: number; readonly reply: Reply<unknown> };
  requestOf(order: unknown, deadlineMs: number, reply: Reply<unknown>): R;
}

/** What the entities of one kind are to those who ask from elsewhere. */
interface Home {
  isHere(id: string): boolean;
  deliver(id: string, order: unknown, deadlineMs: number, reply: Reply<unknown>): void;
}

/** An order on its way to the entity it is for. */
export interface ShardCommand extends Shard {
  readonly order: unknown;
}

type ShardAnswer = { readonly outcome: Outcome<unknown> } | { readonly moved: true };

export interface Forwarding {
  /** Makes addresses that lead to wherever an entity is, and answers for those that are here. */
  join<R>(kind: ShardKind, wire: Wire<R>, shards: Local<R>): (id: string) => { send(request: R): void };
  /** Answers what other nodes ask. */
  readonly serve: MeshHandler;
}

interface Local<R> {
  isHere(id: string): boolean;
  find(id: string): { send(request: R): void };
}

export interface ForwardingDeps {
  readonly world: Pick<World, 'clock' | 'timers'>;
  readonly mesh: Pick<Mesh, 'request'>;
  readonly membership: Pick<Membership, 'nodeId' | 'view' | 'refresh'>;
  /** Told what became of each request that left this node. */
  readonly forwarded: (kind: ShardKind, result: Forwarded) => void;
}

export type Forwarded = 'answered' | 'moved' | 'refused' | 'unanswered';

/** A request has to begin by its deadline; its answer may take this much longer. */
const answerWithinMs = 2_000;
/** No request is waited for longer than this, whatever its own deadline. */
const patienceMaxMs = 10_000;

export function createForwarding(deps: ForwardingDeps): Forwarding {
  const { membership } = deps;
  const homes = new Map<ShardKind, Home>();
  const asker = { ...deps, away: { waiting: 0 } };
  return {
    join<R>(kind: ShardKind, wire: Wire<R>, shards: Local<R>): (id: string) => { send(request: R): void } {
      homes.set(kind, {
        isHere: (id) => shards.isHere(id),
        deliver: (id, order, deadlineMs, reply) => shards.find(id).send(wire.requestOf(order, deadlineMs, reply)),
      });
      return (id) => ({
        send(request) {
          const { order, deadlineMs, reply } = wire.orderOf(request);
          ask(asker, { kind, id, order }, deadlineMs).then((answer) => {
            if (answer === 'here') shards.find(id).send(request);
            else reply(answer);
          }, brokenPromise);
        },
      });
    },
    async serve(_from, command, deadlineMs): Promise<ShardAnswer> {
      const { kind, id, order } = command as ShardCommand;
      const home = homes.get(kind);
      // The asker may know of a change that this node has not seen yet.
      if (home && !home.isHere(id)) await membership.refresh();
      if (!home?.isHere(id)) return { moved: true };
      return new Promise((resolve) =>
        home.deliver(id, order, deadlineMs - answerWithinMs, (outcome) => resolve({ outcome })),
      );
    },
  };
}

/** Never rejects. `here`: the entity is this node's by now. */
async function ask(
  { world, mesh, membership, forwarded, away }: ForwardingDeps & { readonly away: Away },
  command: ShardCommand,
  deadlineMs: number,
): Promise<Outcome<unknown> | 'here'> {
  const { clock } = world;
  const untilMs = Math.min(deadlineMs, clock.now() + patienceMaxMs) + answerWithinMs;
  const reachUntilMs = Math.min(deadlineMs, clock.now() + reachWithinMs);
  let pauseMs = pausesMs.first;
  for (let moves = 0; moves < movesMax; ) {
    const owner = membership.view.ownerOf(command);
    if (owner === null) return noCluster;
    if (owner === membership.nodeId) return 'here';
    const reply = await mesh.request(owner, command, untilMs);
    if (reply.kind === 'answer') {
      const answer = reply.value as ShardAnswer;
      forwarded(command.kind, 'moved' in answer ? 'moved' : 'answered');
      if (!('moved' in answer)) return answer.outcome;
      moves++;
      await membership.refresh();
    } else {
      forwarded(command.kind, reply.kind);
      const isAway = reply.kind === 'refused' && reply.reason === 'unreachable';
      if (!isAway || away.waiting >= waitingMax || clock.now() + pauseMs > reachUntilMs) return refusalOf(reply);
      away.waiting++;
      await pause(world.timers, pauseMs);
      away.waiting--;
      pauseMs = Math.min(2 * pauseMs, pausesMs.most);
    }
  }
  return moving;
}

/** Once more after `moved`. */
const movesMax = 2;

/**
 * So long a request waits for an owner that cannot be reached: one that has just joined owns its share at once and is
 * heard of a second or two later, and one that was killed is missed sooner (`Membership.bury`).
 */
const reachWithinMs = 2_700;
/** More do not wait for owners that are away; they are refused at once. */
const waitingMax = 2_000;
/** Between two tries; doubles from the first to the second. */
const pausesMs = { first: 50, most: 400 };

/** How many wait for owners that are away. */
interface Away {
  waiting: number;
}

function pause(timers: Timers, delayMs: number): Promise<void> {
  return new Promise((resolve) => void timers.after(delayMs, resolve));
}

function refusalOf(reply: Exclude<MeshReply, { kind: 'answer' }>): Outcome<never> {
  if (reply.kind === 'unanswered') return unknownFate;
  return reply.reason === 'unreachable' ? unreachable : overloaded;
}

const noCluster = unavailable('this node is not in the cluster at this moment');
const moving = unavailable('this is moving from one node to another');
const unreachable = unavailable('the node that owns this cannot be reached');
const overloaded = unavailable('too much waits for the node that owns this');
const unknownFate = unavailable('whether this happened is not known; the same key tells');

/** `ask` answers all that can go wrong: what it throws is a bug, and ends the process as every unhandled one. */
const brokenPromise = (error: unknown) => {
  throw error;
};
