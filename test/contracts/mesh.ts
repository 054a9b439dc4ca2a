/** What every mesh between nodes must do, said once for the one of sockets and the one of memory. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Mesh, MeshMember, MeshReply } from '../../engine/mesh.ts';

/** A network on which meshes are opened; `cut` loses everything from one node to another. */
export interface Meshes {
  open(nodeId: string): Promise<Mesh>;
  cut(from: string, to: string): void;
  close(): Promise<void>;
}

/** A command that no node of these tests ever answers. */
const silence = 'say nothing';

const unreachable: MeshReply = { kind: 'refused', reason: 'unreachable' };

export function describeMesh(name: string, openBench: () => Promise<Meshes>): void {
  describe(`a mesh ${name}`, () => {
    let bench: Meshes;
    const meshes = new Map<string, Mesh>();

    afterEach(async () => {
      await Promise.all([...meshes.values()].map((mesh) => mesh.close()));
      meshes.clear();
      await bench.close();
    });

    it('brings a command to a node and its answer back, as they were', async () => {
      const { a } = await cluster('a', 'b');
      const command = {
        kind: 'reserve',
        quantity: 2,
        deadlineMs: 2 ** 45,
        list: [null, true, 'ต', undefined],
        price: 1.5,
      };
      expect(await a.request('b', command, inTime())).toEqual({
        kind: 'answer',
        value: { from: 'a', to: 'b', command },
      });
    });

    it('answers many at once, each its own', async () => {
      const { a, b } = await cluster('a', 'b');
      const asked = Array.from({ length: 500 }, (_, n) => n);
      const replies = await Promise.all(
        asked.flatMap((n) => [a.request('b', n, inTime()), b.request('a', n, inTime())]),
      );
      expect(replies.map(valueIn)).toEqual(
        asked.flatMap((command) => [
          { from: 'a', to: 'b', command },
          { from: 'b', to: 'a', command },
        ]),
      );
    });

    it('refuses what no member can be asked', async () => {
      const { a } = await cluster('a', 'b');
      expect(await a.request('c', 1, inTime())).toEqual(unreachable);
      a.setMembers([{ nodeId: 'a', ...a.address }]);
      expect(await a.request('b', 1, inTime())).toEqual(unreachable);
    });

    it('refuses what is late already', async () => {
      const { a } = await cluster('a', 'b');
      expect(await a.request('b', 1, Date.now() - 1)).toEqual({ kind: 'refused', reason: 'late' });
    });

    it('tells the node how much time is left', async () => {
      const { a, b } = await cluster('a', 'b');
      b.serve(async (_from, _command, deadlineMs) => deadlineMs);
      const deadlineMs = Date.now() + 60_000;
      const heard = valueIn(await a.request('b', 1, deadlineMs)) as number;
      expect(heard).toBeGreaterThan(deadlineMs - 10_000);
      expect(heard).toBeLessThan(deadlineMs + 10_000);
    });

    it('leaves unanswered what the node does not answer in time', async () => {
      const { a } = await cluster('a', 'b');
      expect(await a.request('b', silence, Date.now() + 50)).toEqual({ kind: 'unanswered' });
    });

    it('leaves unanswered what the node fails at', async () => {
      const { a, b } = await cluster('a', 'b');
      b.serve(() => Promise.reject(new Error('a fault of ours')));
      expect(await a.request('b', 1, inTime())).toEqual({ kind: 'unanswered' });
    });

    it('leaves unanswered what a node did not answer when it ended', async () => {
      const { a } = await cluster('a', 'b');
      const reply = a.request('b', silence, inTime());
      await end('b');
      expect(await reply).toEqual({ kind: 'unanswered' });
    });

    it('leaves unanswered what was asked by one that ends', async () => {
      const { a } = await cluster('a', 'b');
      const reply = a.request('b', silence, inTime());
      await end('a');
      expect(await reply).toEqual({ kind: 'unanswered' });
    });

    it('reaches a node that started again, with another key', async () => {
      const { a } = await cluster('a', 'b');
      await end('b');
      await cluster('b');
      expect(await eventually(a, 'b')).toMatchObject({ kind: 'answer' });
    });

    it.each([
      ['the request', 'a', 'b'],
      ['the answer', 'b', 'a'],
    ])('leaves unanswered what lost %s on its way', async (_what, from, to) => {
      const { a } = await cluster('a', 'b');
      bench.cut(from, to);
      expect(await a.request('b', 1, Date.now() + 100)).toEqual({ kind: 'unanswered' });
    });

    it('rejects what cannot be packed, and nothing else of that turn', async () => {
      const { a } = await cluster('a', 'b');
      const [bad, good] = await Promise.allSettled([a.request('b', 2n ** 80n, inTime()), a.request('b', 1, inTime())]);
      expect(bad.status).toBe('rejected');
      expect(good).toMatchObject({ value: { kind: 'answer' } });
    });

    /** Opens a mesh for each, makes all that are open members everywhere, and waits until each reaches each. */
    async function cluster<N extends string>(...nodeIds: readonly N[]): Promise<Record<N, Mesh>> {
      if (meshes.size === 0) bench = await openBench();
      for (const nodeId of nodeIds) {
        const mesh = await bench.open(nodeId);
        meshes.set(nodeId, mesh);
        mesh.serve(async (from, command) => {
          return command === silence ? new Promise(() => {}) : { from, to: nodeId, command };
        });
      }
      for (const mesh of meshes.values()) mesh.setMembers(members());
      for (const [from, mesh] of meshes) for (const to of meshes.keys()) if (to !== from) await eventually(mesh, to);
      return Object.fromEntries(meshes) as Record<N, Mesh>;
    }

    async function end(nodeId: string): Promise<void> {
      await meshes.get(nodeId)?.close();
      meshes.delete(nodeId);
    }

    function members(): readonly MeshMember[] {
      return [...meshes].map(([nodeId, { address }]) => ({ nodeId, ...address }));
    }
  });
}

/** The first reply that is no refusal: connecting takes a moment. */
async function eventually(mesh: Mesh, nodeId: string): Promise<MeshReply> {
  for (;;) {
    const reply = await mesh.request(nodeId, 'ping', inTime());
    if (reply.kind !== 'refused') return reply;
    await new Promise((resume) => setTimeout(resume, 5));
  }
}

const inTime = () => Date.now() + 30_000;

function valueIn(reply: MeshReply): unknown {
  return reply.kind === 'answer' ? reply.value : reply;
}
