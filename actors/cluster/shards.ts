/**
 * Where the entities of one kind live: here, when this node owns them, else behind an address that leads to their owner.
 * An entity is started when it is first asked for, and handed over when the view of the cluster says that it is
 * another's: what it has accepted is finished, it stops, and its lease is given back, for which the next owner waits.
 *
 * It decides neither who owns what (engine/membership.ts) nor how a request travels (forwarding.ts).
 */
import type { Shard, ShardKind } from '../../engine/membership.ts';
import type { World } from '../../engine/ports.ts';
import type { Membership } from './membership.ts';

export interface Shards<A, L extends A = A> {
  /** The address of the entity; started if it is this node's and does not run. */
  find(id: string): A;
  /** Whether `find` leads to an entity of this node. */
  isHere(id: string): boolean;
  /** Those that run on this node. */
  readonly started: ReadonlyMap<string, L>;
  /** Forgets the entities that `stopped` says it has stopped; they start again when they are asked for. */
  retire(stopped: (entity: L) => boolean): void;
  /** Gives up, one by one, what the view says is another's; resolves when that is done. */
  handOver(): Promise<void>;
}

export interface ShardsDeps<A, L extends A> {
  readonly kind: ShardKind;
  readonly membership: Pick<Membership, 'nodeId' | 'view'>;
  readonly start: (id: string) => L;
  /** An address that leads to wherever the entity is. */
  readonly reach: (id: string) => A;
  /** Ends an entity after what it has accepted, or after `graceMs`; nobody is left without an answer. */
  readonly end: (entity: L, graceMs: number) => Promise<void>;
  /** Null: entities of this kind need none, for their store lets only one of them write. */
  readonly leases: Leases | null;
}

/** How long an entity may take to finish what it has accepted, when others wait for it. */
const graceMs = 2_000;
/** The same when this node is out of the cluster: what is late then is refused by the stores. */
const lapseGraceMs = 500;

export function createShards<A, L extends A>(deps: ShardsDeps<A, L>): Shards<A, L> {
  const { kind, membership, start, reach, end, leases } = deps;
  const started = new Map<string, L>();
  const isOurs = (id: string) => membership.view.ownerOf({ kind, id }) === membership.nodeId;
  const startHere = (id: string) => {
    const entity = start(id);
    started.set(id, entity);
    return entity;
  };
  const give = (id: string, entity: L, patienceMs: number) => {
    started.delete(id);
    const ended = end(entity, patienceMs);
    return leases ? leases.giveBack({ kind, id }, ended) : ended;
  };
  const giveAll = async () => {
    for (const [id, entity] of started) if (!isOurs(id)) await give(id, entity, graceMs);
  };
  let handing = Promise.resolve();
  return {
    started,
    find: (id) => started.get(id) ?? (isOurs(id) ? startHere(id) : reach(id)),
    isHere: (id) => started.has(id) || isOurs(id),
    retire(stopped) {
      for (const [id, entity] of started)
        if (stopped(entity)) {
          started.delete(id);
          void leases?.giveBack({ kind, id }, Promise.resolve());
        }
    },
    handOver() {
      // Whoever is out of the cluster has no time to be polite: others may soon take everything.
      if (membership.view.members.length === 0)
        return Promise.all([...started].map(([id, entity]) => give(id, entity, lapseGraceMs))).then(() => {});
      handing = handing.then(giveAll);
      return handing;
    },
  };
}

// ---- leases

export interface Leases {
  /**
   * Resolves when this node has the lease of a shard, however long another has it. Rejects when the view says that the
   * shard is another's by now, or the register cannot be asked.
   */
  take(shard: Shard): Promise<void>;
  /** Gives the lease back once `ended`; a next owner on this very node waits for that, too. */
  giveBack(shard: Shard, ended: Promise<void>): Promise<void>;
}

/** How soon a lease that another has is asked for again: it is given back within a few batches. */
const againMs = 20;

export function createLeases(
  membership: Pick<Membership, 'nodeId' | 'view' | 'claim' | 'release'>,
  { timers }: World,
  failed: (error: unknown) => void,
): Leases {
  const ending = new Map<string, Promise<void>>();
  const nameOf = ({ kind, id }: Shard) => `${kind}:${id}`;
  return {
    async take(shard) {
      for (;;) {
        if (membership.view.ownerOf(shard) !== membership.nodeId) throw new Error('another node owns this by now');
        await ending.get(nameOf(shard));
        if ((await membership.claim(shard)) === membership.nodeId) return;
        await new Promise<void>((resolve) => timers.after(againMs, resolve));
      }
    },
    giveBack(shard, ended) {
      // One that cannot be given back is free when this node is gone, or asks for it again.
      const given = ended.then(() => membership.release(shard)).catch(failed);
      const name = nameOf(shard);
      const settled = given.finally(() => {
        if (ending.get(name) === settled) ending.delete(name);
      });
      ending.set(name, settled);
      return settled;
    },
  };
}
