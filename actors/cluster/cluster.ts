/**
 * This node as a member of its cluster, put together: its membership, the leases and the forwarding that its shards
 * share, and what a change of the view means for all of them. A node alone is a cluster of one, by the same code.
 */
import type { ClusterView, Member, Shard, ShardKind } from '../../engine/membership.ts';
import type { Mesh } from '../../engine/mesh.ts';
import { accept, type Outcome, reject, unavailable } from '../../engine/outcome.ts';
import type { Actors } from '../kit.ts';
import { createForwarding, type Forwarded, type Wire } from './forwarding.ts';
import { type MembershipDeps, type MembershipWatch, startMembership } from './membership.ts';
import { createLeases, createShards, type Shards } from './shards.ts';

export interface ClusterDeps extends Pick<MembershipDeps, 'register' | 'limits'> {
  readonly actors: Actors;
  readonly mesh: Mesh;
  readonly nodeId: string;
  /** What runs on this node. */
  readonly describe: () => NodeReport;
  readonly watch: ClusterWatch;
}

/** Told of what an operator must be able to see. */
export interface ClusterWatch extends MembershipWatch {
  forwarded(kind: ShardKind, result: Forwarded): void;
  /** The register could not be told of a lease that was given back. */
  notReleased(error: unknown): void;
}

interface Address<R> {
  send(request: R): void;
}

/** What a kind of entities is to its cluster. */
export interface Residents<R, L> {
  readonly wire: Wire<R>;
  readonly start: (id: string) => L;
  readonly end: (entity: L, graceMs: number) => Promise<void>;
  /** False: their store lets only one of them write, and a lease would add nothing. */
  readonly leased: boolean;
}

/** What a node says of itself, for operators. */
export interface NodeReport {
  /** `epoch`: null while the zone is being taken over. */
  readonly zones: readonly { readonly id: string; readonly epoch: number | null }[];
  readonly rooms: readonly string[];
  readonly sagas: number;
}

export interface ClusterReport {
  /** Who looks. */
  readonly nodeId: string;
  readonly nodes: readonly {
    readonly nodeId: string;
    readonly state: Member['state'];
    /** Null: it did not answer. */
    readonly report: NodeReport | null;
  }[];
}

export interface Cluster {
  readonly nodeId: string;
  readonly view: ClusterView;
  /** Gives a kind of entities its places in the cluster. */
  settle<R, L extends Address<R>>(kind: ShardKind, residents: Residents<R, L>): Shards<Address<R>, L>;
  /** Resolves when this node may take an entity over. */
  lease(shard: Shard): Promise<void>;
  /** Resolves when this node is in. Rejects when the register does not take it in. */
  joined(): Promise<void>;
  /** Calls `changed` after each change of the view. */
  onChange(changed: () => void): void;
  /** Hands everything over and owns nothing any more; resolves when that is done. The node goes on to forward. */
  drain(): Promise<void>;
  /** Has a node drain, this one or another. Refused: NOT_FOUND, or SERVICE_UNAVAILABLE when it did not answer. */
  drainNode(nodeId: string): Promise<Outcome<null>>;
  report(): Promise<ClusterReport>;
  /** Leaves the register. */
  resign(): Promise<void>;
}

type NodeCommand = { readonly node: 'report' | 'drain' };

/** Longer than a node takes to hand everything over. */
const drainWithinMs = 30_000;
const reportWithinMs = 2_000;
const silent = unavailable('the node did not say that it has handed everything over');

export function startCluster(deps: ClusterDeps): Cluster {
  const { actors, register, mesh, nodeId, limits, watch, describe } = deps;
  const { world } = actors;
  const homes = new Map<ShardKind, Shards<unknown, unknown>>();
  const listeners: (() => void)[] = [];
  const handOver = async () => void (await Promise.all([...homes.values()].map((shards) => shards.handOver())));
  const changed = (view: ClusterView) => {
    watch.changed(view);
    // Whoever counts itself out may still be asked for what it has not given up yet.
    if (view.members.length > 0)
      mesh.setMembers(view.members.map((member) => ({ ...member.address, nodeId: member.nodeId })));
    void handOver();
    for (const tell of listeners) tell();
  };
  const membership = startMembership({
    actors,
    register,
    limits,
    self: { nodeId, incarnation: world.ids.next(), address: mesh.address },
    watch: { ...watch, changed },
  });
  mesh.onGone(({ nodeId: id, publicKey }) => void membership.bury(id, publicKey));
  const leases = createLeases(membership, world, watch.notReleased);
  const forwarding = createForwarding({ world, mesh, membership, forwarded: watch.forwarded });
  const drain = async () => {
    await membership.leave();
    await handOver();
  };
  mesh.serve(async (from, command, deadlineMs) => {
    if (!('node' in (command as object))) return forwarding.serve(from, command, deadlineMs);
    if ((command as NodeCommand).node === 'report') return describe();
    await drain();
    return true;
  });
  const askNode = async (to: string, command: NodeCommand, withinMs: number) => {
    const reply = await mesh.request(to, command, world.clock.now() + withinMs);
    return reply.kind === 'answer' ? reply.value : null;
  };
  return {
    nodeId,
    get view() {
      return membership.view;
    },
    settle<R, L extends Address<R>>(kind: ShardKind, { wire, leased, ...residents }: Residents<R, L>) {
      const shards: Shards<Address<R>, L> = createShards({
        kind,
        membership,
        ...residents,
        reach: forwarding.join(kind, wire, { isHere: (id) => shards.isHere(id), find: (id) => shards.find(id) }),
        leases: leased ? leases : null,
      });
      homes.set(kind, shards);
      return shards;
    },
    lease: leases.take,
    async joined() {
      await membership.refresh();
      if (membership.view.members.length === 0) throw new Error('the cluster could not be joined');
    },
    onChange: (tell) => void listeners.push(tell),
    drain,
    async drainNode(id) {
      if (!membership.view.members.some((member) => member.nodeId === id)) return reject('NOT_FOUND');
      if (id === nodeId) await drain();
      else if ((await askNode(id, { node: 'drain' }, drainWithinMs)) !== true) return silent;
      return accept(null);
    },
    async report() {
      const reportOf = async (id: string) =>
        id === nodeId ? describe() : ((await askNode(id, { node: 'report' }, reportWithinMs)) as NodeReport | null);
      const { members } = membership.view;
      const reports = await Promise.all(members.map((member) => reportOf(member.nodeId)));
      const nodes = members.map(({ nodeId: id, state }, at) => ({ nodeId: id, state, report: reports[at] ?? null }));
      return { nodeId, nodes };
    },
    resign: membership.resign,
  };
}
