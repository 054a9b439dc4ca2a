/** Rendezvous hashing: every node answers the same, fairly, and nothing moves that need not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Member, type Shard, viewOf } from './membership.ts';

const member = (nodeId: string, state: Member['state'] = 'serving'): Member => ({
  nodeId,
  incarnation: `${nodeId}-1`,
  state,
  address: { endpoint: `tcp://${nodeId}:1`, publicKey: '' },
});
const shards: readonly Shard[] = Array.from({ length: 300 }, (_, n) => ({ kind: 'zone', id: `zone-${n}` }));
const nodeIds = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 });

describe('the owner of a shard', () => {
  it('is the same whatever the order in which the members are named', () => {
    fc.assert(
      fc.property(
        nodeIds.chain((ids) => fc.tuple(fc.constant(ids), fc.shuffledSubarray(ids, { minLength: ids.length }))),
        ([ids, shuffled]) => {
          const [one, other] = [viewOf(ids.map((id) => member(id))), viewOf(shuffled.map((id) => member(id)))];
          for (const shard of shards) expect(other.ownerOf(shard)).toBe(one.ownerOf(shard));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('changes only to a member that joins', () => {
    fc.assert(
      fc.property(nodeIds, ([newcomer = '', ...ids]) => {
        const before = viewOf(ids.map((id) => member(id)));
        const after = viewOf([newcomer, ...ids].map((id) => member(id)));
        for (const shard of shards) expect([before.ownerOf(shard), newcomer]).toContain(after.ownerOf(shard));
      }),
      { numRuns: 50 },
    );
  });

  it('changes only from a member that leaves, gone or about to go', () => {
    fc.assert(
      fc.property(nodeIds, fc.constantFrom('gone', 'leaving'), ([leaver = '', ...ids], how) => {
        const before = viewOf([leaver, ...ids].map((id) => member(id)));
        const rest = ids.map((id) => member(id));
        const after = viewOf(how === 'gone' ? rest : [member(leaver, 'leaving'), ...rest]);
        for (const shard of shards) {
          const owner = before.ownerOf(shard);
          if (owner === leaver) expect(ids.length === 0 ? [null] : ids).toContain(after.ownerOf(shard));
          else expect(after.ownerOf(shard)).toBe(owner);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('is each member about as often', () => {
    const view = viewOf(['a', 'b', 'c'].map((id) => member(id)));
    for (const kind of ['zone', 'room', 'booking'] as const) {
      const counts = new Map<string | null, number>();
      for (let n = 0; n < 3_000; n++) {
        const owner = view.ownerOf({ kind, id: `0190c0de-0000-7000-8000-${String(n).padStart(12, '0')}` });
        counts.set(owner, (counts.get(owner) ?? 0) + 1);
      }
      for (const id of ['a', 'b', 'c']) expect(Math.abs((counts.get(id) ?? 0) - 1_000)).toBeLessThan(150);
    }
  });

  it('does not follow from another kind of the same id', () => {
    const view = viewOf(['a', 'b', 'c'].map((id) => member(id)));
    const owners = (kind: Shard['kind']) => shards.map(({ id }) => view.ownerOf({ kind, id }));
    expect(owners('room')).not.toEqual(owners('zone'));
  });

  it('is nobody when nobody serves', () => {
    expect(viewOf([member('a', 'leaving')]).ownerOf({ kind: 'zone', id: 'z' })).toBeNull();
  });
});
