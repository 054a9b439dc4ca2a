/** The register of members and leases in memory, as lua/beat.lua and its like keep it, for tests and simulations. */
import type { Member, Register, Shard } from '../../engine/membership.ts';
import { direct, type Wire } from './wire.ts';

export interface MemoryRegister extends Register {
  /** As if the node had last been heard of too long ago. */
  silence(nodeId: string): void;
  /** Everything is lost, as by FLUSHALL. */
  forget(): void;
  /** Who has the lease of a shard; null: nobody. */
  holder(shard: Shard): string | null;
}

type Identity = Pick<Member, 'nodeId' | 'incarnation'>;

export function createMemoryRegister(
  { memberTtlMs, now }: { readonly memberTtlMs: number; readonly now: () => number },
  wire: Wire = direct,
): MemoryRegister {
  const nodes = new Map<string, { readonly member: Member; readonly seenAtMs: number }>();
  const leases = new Map<string, Identity>();
  const nameOf = ({ kind, id }: Shard) => `${kind}:${id}`;
  const isThere = ({ nodeId, incarnation }: Identity) => {
    const node = nodes.get(nodeId);
    return node?.member.incarnation === incarnation && now() - node.seenAtMs <= memberTtlMs;
  };
  return {
    beat: (self, joins) =>
      wire('register.beat', () => {
        const known = nodes.get(self.nodeId);
        if (known && !joins && known.member.incarnation !== self.incarnation) return { kind: 'replaced' };
        nodes.set(self.nodeId, { member: self, seenAtMs: now() });
        for (const [nodeId, { member }] of nodes) if (!isThere(member)) nodes.delete(nodeId);
        return { kind: 'present', wasUnknown: !known, members: [...nodes.values()].map(({ member }) => member) };
      }),
    leave: ({ nodeId, incarnation }) =>
      wire('register.leave', () => {
        if (nodes.get(nodeId)?.member.incarnation === incarnation) nodes.delete(nodeId);
      }),
    claim: ({ nodeId, incarnation }, shard) =>
      wire('register.claim', () => {
        if (!isThere({ nodeId, incarnation })) throw new Error('NOT_A_MEMBER of the cluster');
        const held = leases.get(nameOf(shard));
        if (held && held.nodeId !== nodeId && isThere(held)) return held.nodeId;
        leases.set(nameOf(shard), { nodeId, incarnation });
        return nodeId;
      }),
    release: ({ nodeId, incarnation }, shard) =>
      wire('register.release', () => {
        const held = leases.get(nameOf(shard));
        if (held?.nodeId === nodeId && held.incarnation === incarnation) leases.delete(nameOf(shard));
      }),
    silence(nodeId) {
      const node = nodes.get(nodeId);
      if (node) nodes.set(nodeId, { ...node, seenAtMs: Number.NEGATIVE_INFINITY });
    },
    forget() {
      nodes.clear();
      leases.clear();
    },
    holder: (shard) => leases.get(nameOf(shard))?.nodeId ?? null,
  };
}
