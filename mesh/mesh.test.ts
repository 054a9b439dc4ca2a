/** What sockets can do to a mesh. What every mesh must do: test/contracts/mesh.ts; who else comes: strangers.test.ts. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { curveKeyPair } from 'zeromq';
import type { MeshReply } from '../engine/mesh.ts';
import { createMetrics } from '../telemetry.ts';
import {
  ignored,
  inMs,
  introduce,
  type MeshBench,
  meshOptions,
  openMeshBench,
  patience,
  reach,
  sample,
  unreachable,
} from '../test/mesh-bench.ts';
import { openTcpLine } from '../test/tcp-line.ts';
import { frameBytesMax } from './frame.ts';
import { openMesh } from './mesh.ts';

const overloaded: MeshReply = { kind: 'refused', reason: 'overloaded' };
const unanswered: MeshReply = { kind: 'unanswered' };

let bench: MeshBench;
beforeEach(() => {
  bench = openMeshBench();
});
afterEach(() => bench.close());

describe('between members', () => {
  it('gathers what is asked in one turn into one frame, and what is answered in one turn into another', async () => {
    const [a, b] = await bench.pair();
    const framesBefore = [await sample(a, 'mesh_frame_items_count'), await sample(b, 'mesh_frame_items_count')];
    const replies = await Promise.all(Array.from({ length: 300 }, (_, n) => a.mesh.request('b', n, inMs(10_000))));
    expect(replies).toEqual(Array.from({ length: 300 }, (_, value) => ({ kind: 'answer', value })));
    expect(await sample(a, 'mesh_frame_items_count')).toBe((framesBefore[0] ?? 0) + 1);
    expect(await sample(b, 'mesh_frame_items_count')).toBe((framesBefore[1] ?? 0) + 1);
  });

  it('tells who has ended, and not who was only cut off', async () => {
    const [a, b] = [
      await openMesh(meshOptions('a', createMetrics())),
      await openMesh(meshOptions('b', createMetrics())),
    ];
    const c = await openMesh(meshOptions('c', createMetrics()));
    const line = await openTcpLine('127.0.0.1', Number(new URL(c.address.endpoint).port));
    const gone: string[] = [];
    a.onGone(({ nodeId }) => gone.push(nodeId));
    const cByLine = { nodeId: 'c', ...c.address, endpoint: `tcp://127.0.0.1:${line.port}` };
    const others = [
      { nodeId: 'a', ...a.address },
      { nodeId: 'b', ...b.address },
    ];
    a.setMembers([...others, cByLine]);
    for (const mesh of [b, c]) {
      mesh.serve(async () => 'yes');
      mesh.setMembers(others);
    }
    const answers = (nodeId: string) =>
      vi.waitFor(async () => expect((await a.request(nodeId, 1, inMs(300))).kind).toBe('answer'), patience);
    await Promise.all(['b', 'c'].map(answers));
    line.hangUp();
    await answers('c');
    await b.close();
    await vi.waitFor(() => expect(gone).toEqual(['b']), patience);
    await Promise.all([a.close(), c.close(), line.close()]);
  });

  it('does not begin what was too long on its way', async () => {
    const [a, b] = await bench.pair();
    bench.line('a', 'b').delay('there', 400);
    const called = b.asked.length;
    expect(await a.mesh.request('b', 'late', inMs(150))).toEqual(unanswered);
    await vi.waitFor(async () => expect(await ignored(b, 'late')).toBe(1), patience);
    expect(b.asked.slice(called)).toEqual([]);
  });

  it('refuses at once what is beyond the bound of the asker', async () => {
    const [a, b] = await bench.pair({ waitingMax: 10 }, {});
    b.mesh.serve(() => new Promise(() => {}));
    const held = Array.from({ length: 10 }, () => a.mesh.request('b', 1, inMs(500)));
    expect(await a.mesh.request('b', 1, inMs(500))).toEqual(overloaded);
    expect(await Promise.all(held)).toEqual(held.map(() => unanswered));
    await vi.waitFor(async () => expect((await a.mesh.request('b', 1, inMs(50))).kind).toBe('unanswered'), patience);
  });

  it('refuses at once what is beyond the bound of the asked', async () => {
    const [a, b] = await bench.pair({}, { waitingMax: 10 });
    const answers: (() => void)[] = [];
    b.mesh.serve((_from, command) => new Promise((answer) => answers.push(() => answer(command))));
    const replies = Array.from({ length: 15 }, (_, n) => a.mesh.request('b', n, inMs(10_000)));
    expect(await Promise.all(replies.slice(10))).toEqual(Array(5).fill(overloaded));
    for (const answer of answers) answer();
    expect(await Promise.all(replies.slice(0, 10))).toEqual(answers.map((_, value) => ({ kind: 'answer', value })));
  });

  it('refuses what no frame can carry, and nothing else of that turn', async () => {
    const [a] = await bench.pair();
    const huge = 'x'.repeat(frameBytesMax);
    const replies = await Promise.all(['before', huge, 'after'].map((text) => a.mesh.request('b', text, inMs(10_000))));
    expect(replies).toEqual([
      { kind: 'answer', value: 'before' },
      { kind: 'refused', reason: 'too-large' },
      { kind: 'answer', value: 'after' },
    ]);
  });

  it('says that there will be no answer when the answer cannot travel', async () => {
    const [a, b] = await bench.pair();
    b.mesh.serve(async () => 'x'.repeat(frameBytesMax));
    expect(await a.mesh.request('b', 1, inMs(60_000))).toEqual(unanswered);
  });

  it('takes no answer to its predecessor for its own', async () => {
    const [a, b] = await bench.pair();
    const answers: (() => void)[] = [];
    b.mesh.serve((_from, command) => new Promise((answer) => answers.push(() => answer(command))));
    const old = Array.from({ length: 50 }, (_, n) => a.mesh.request('b', `old ${n}`, inMs(60_000)));
    await vi.waitFor(() => expect(answers.length).toBe(50), patience);
    // Forgetting b ends what was asked; asking it anew begins with the same numbers.
    a.mesh.setMembers([]);
    expect(await Promise.all(old)).toEqual(old.map(() => unanswered));
    introduce({ a, b });
    await reach(a, 'b');
    const own = Array.from({ length: 50 }, (_, n) => a.mesh.request('b', `new ${n}`, inMs(60_000)));
    await vi.waitFor(() => expect(answers.length).toBeGreaterThanOrEqual(100), patience);
    for (const answer of answers) answer();
    expect(await Promise.all(own)).toEqual(own.map((_, n) => ({ kind: 'answer', value: `new ${n}` })));
  });

  it('does not listen any more to one that is no member any more', async () => {
    const [a, b] = await bench.pair();
    b.mesh.setMembers([]);
    const called = b.asked.length;
    await vi.waitFor(async () => expect(await a.mesh.request('b', 1, inMs(100))).toEqual(unreachable), patience);
    expect(b.asked.slice(called)).toEqual([]);
  });

  it('lets one in that knocked before it was known to be a member', async () => {
    const [a, b] = [await bench.node('a'), await bench.node('b')];
    a.mesh.setMembers([{ nodeId: 'b', ...b.mesh.address }]);
    await vi.waitFor(async () => expect(await ignored(b, 'stranger')).toBeGreaterThan(0), patience);
    introduce({ a, b });
    await reach(a, 'b');
  });

  it('lets an address that is none be unreachable', async () => {
    const { mesh } = await bench.node('a');
    const key = curveKeyPair().publicKey;
    mesh.setMembers([{ nodeId: 'b', endpoint: 'tcp://127.0.0.1:1', publicKey: 'no key' }]);
    expect(await mesh.request('b', 1, inMs(100))).toEqual(unreachable);
    mesh.setMembers([{ nodeId: 'b', endpoint: 'tcp://127.0.0.1:1', publicKey: key }]);
    expect(await mesh.request('b', 1, inMs(100))).toEqual(unreachable);
  });
});

it('lives alone where ZeroMQ is not installed', async () => {
  const { mesh: b } = await bench.node('b');
  const alone = await openMesh(meshOptions('a', createMetrics()), () => Promise.reject(new Error('no such package')));
  const members = [
    { nodeId: 'a', ...alone.address },
    { nodeId: 'b', ...b.address },
  ];
  for (const mesh of [alone, b]) mesh.setMembers(members);
  expect(await alone.request('b', 1, inMs(1_000))).toEqual(unreachable);
  expect(await b.request('a', 1, inMs(1_000))).toEqual(unreachable);
  await alone.close();
});

describe('over a bad line', () => {
  it.each(['there', 'back'] as const)(
    'loses a peer when its bytes get lost on the way %s, and finds it again',
    async (way) => {
      const [a] = await bench.pair();
      const line = bench.line('a', 'b');
      line.cut(way);
      await vi.waitFor(async () => expect(await a.mesh.request('b', 1, inMs(200))).toEqual(unreachable), patience);
      line.heal();
      line.hangUp();
      await reach(a, 'b');
    },
  );

  it.each(['there', 'back'] as const)('survives bytes that changed on the way %s', async (way) => {
    const [a] = await bench.pair();
    const line = bench.line('a', 'b');
    line.garble(way);
    void a.mesh.request('b', 1, inMs(200));
    await vi.waitFor(() => expect(line.connections).toBeGreaterThan(1), patience);
    await reach(a, 'b');
  });

  it('ends what is under way when the connection breaks, and connects again', async () => {
    const [a, b] = await bench.pair();
    b.mesh.serve(() => new Promise(() => {}));
    const reply = a.mesh.request('b', 1, inMs(60_000));
    await new Promise((resume) => setImmediate(resume));
    bench.line('a', 'b').hangUp();
    expect((await reply).kind).not.toBe('answer');
    b.mesh.serve(async (_from, command) => command);
    await reach(a, 'b');
  });
});
