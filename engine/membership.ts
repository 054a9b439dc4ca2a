/**
 * Who is in the cluster, and which of them owns what: the same answer on every node that sees the same members. That two
 * nodes may for a moment see different ones is not this file's worry; leases and epochs are (docs/adr/0018).
 */
import type { MeshAddress } from './mesh.ts';

export interface Member {
  readonly nodeId: string;
  /** One start of the node: a node that comes back is another incarnation of the same id. */
  readonly incarnation: string;
  /** `leaving`: still reached, and owns nothing any more. */
  readonly state: 'serving' | 'leaving';
  readonly address: MeshAddress;
}

/** What is spread over the nodes. A lease and a rank are of a kind and an id. */
export type ShardKind = 'zone' | 'room' | 'booking';

export interface Shard {
  readonly kind: ShardKind;
  readonly id: string;
}

export interface ClusterView {
  /** By node id. */
  readonly members: readonly Member[];
  /** The node that owns a shard; null: nobody serves. */
  ownerOf(shard: Shard): string | null;
}

export function viewOf(members: readonly Member[]): ClusterView {
  const sorted = [...members].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  const serving = sorted
    .filter(({ state }) => state === 'serving')
    .map(({ nodeId }) => ({ nodeId, seed: fnv1a(nodeId) }));
  return {
    members: sorted,
    ownerOf({ kind, id }) {
      const hash = fnv1a(`${kind}:${id}`);
      let owner: string | null = null;
      let highest = -1;
      for (const { nodeId, seed } of serving) {
        const score = mixed(hash ^ seed);
        // Members are in order of their ids: of equal scores the first wins, on every node.
        if (score > highest) [owner, highest] = [nodeId, score];
      }
      return owner;
    },
  };
}

export function isSameView(one: ClusterView, other: ClusterView): boolean {
  const text = ({ members }: ClusterView) =>
    members.map(({ nodeId, incarnation, state }) => `${nodeId} ${incarnation} ${state}`).join();
  return text(one) === text(other);
}

// Rendezvous hashing (Thaler, Ravishankar 1998): each node scores each shard, and the highest score owns it. A member that
// leaves hands on only its own shards; one that joins takes only those that it scores highest.

/** FNV-1a, 32 bits (draft-eastlake-fnv): enough to tell a few thousand names apart. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The finalizer of MurmurHash3 (Appleby, public domain): every bit in decides about every bit out. */
function mixed(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** The register of members and leases that all nodes share. Rejects when it cannot be reached: nothing is known then. */
export interface Register {
  /**
   * Says that this node is there, for `memberTtlMs` from now, and who else is. `joins`: with the first beat of an incarnation,
   * which takes the place of one before it; a later beat of the one before is answered `replaced`.
   */
  beat(self: Member, joins: boolean): Promise<Beat>;
  /** Takes this incarnation off the register. */
  leave(self: Member): Promise<void>;
  /**
   * Asks for the lease of a shard and answers which node has it then. A lease lasts as long as its holder's beats, so it
   * passes on when the holder gives it back, is gone, or has started anew. Rejects when this node is no member itself.
   */
  claim(self: Member, shard: Shard): Promise<string>;
  /** Gives a lease back; nothing happens when it is not this incarnation's. */
  release(self: Member, shard: Shard): Promise<void>;
}

export type Beat =
  | {
      readonly kind: 'present';
      /** The register had no trace of this node: it was silent for too long, or the register was lost. */
      readonly wasUnknown: boolean;
      readonly members: readonly Member[];
    }
  | { readonly kind: 'replaced' };
