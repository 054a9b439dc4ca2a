/**
 * The port between nodes: a command goes to another node, and what came of it comes back. mesh/ implements it over
 * ZeroMQ, test/mesh-in-memory.ts in memory with faults. It carries anything that msgpack can; it knows no actor.
 *
 * A request is handed over at most once, so an answer that does not come leaves the outcome unknown.
 */

export interface Mesh {
  /** Where other nodes reach this one, for them to give to `setMembers`; the key is new at each start. */
  readonly address: MeshAddress;
  /**
   * The members of the cluster from now on; this node among them is passed over. Only their keys are let in. Requests
   * under way to one that is gone, or is there with another address, end: as `unanswered` when they were sent.
   */
  setMembers(members: readonly MeshMember[]): void;
  /**
   * Asks a node; settles by `deadlineMs` (epoch ms). What a full queue refuses is refused at once. Rejects only for a
   * command that cannot be packed, which is a bug.
   */
  request(nodeId: string, command: unknown, deadlineMs: number): Promise<MeshReply>;
  /** Who answers the requests of others; there is one. Until it is set they are refused as `unreachable`. */
  serve(handler: MeshHandler): void;
  /** Calls `tell` with a member whose process has surely ended: nobody listens any more where it was. Others just fall silent. */
  onGone(tell: (member: MeshMember) => void): void;
  /** Sends the answers that are ready, ends what is under way as when all others were gone, and lets go of the port. */
  close(): Promise<void>;
}

/**
 * Answers a request of the node `from`, with what msgpack can carry. The deadline is in this node's clock (epoch ms);
 * nobody hears an answer after it. A rejection is logged, and the asker has no answer.
 */
export type MeshHandler = (from: string, command: unknown, deadlineMs: number) => Promise<unknown>;

export interface MeshAddress {
  /** As ZeroMQ writes it: `tcp://host:port`. */
  readonly endpoint: string;
  /** CURVE25519, 40 characters of Z85. */
  readonly publicKey: string;
}

export interface MeshMember extends MeshAddress {
  readonly nodeId: string;
}

/** `refused`: it surely did not happen. `unanswered`: nobody knows; ask again with the same idempotency key. */
export type MeshReply =
  | { readonly kind: 'answer'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly reason: MeshRefusal }
  | { readonly kind: 'unanswered' };

/**
 * `unreachable`: not a member, not connected, or it serves nobody yet. `overloaded`: too much waits, here or there.
 * `late`: the deadline passed before it was begun. `too-large`: more bytes than a frame may have.
 */
export type MeshRefusal = 'unreachable' | 'overloaded' | 'late' | 'too-large';
