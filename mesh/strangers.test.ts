/** Who else comes to the port of a mesh: those who are no members, and members who are not well. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Context, curveKeyPair, Dealer } from 'zeromq';
import type { Mesh } from '../engine/mesh.ts';
import {
  ignored,
  inMs,
  type MeshBench,
  openMeshBench,
  patience,
  reach,
  type TestedNode,
  unreachable,
} from '../test/mesh-bench.ts';
import type { KeyPair } from './connection.ts';
import { frameBytesMax, packHello, protocolVersion } from './frame.ts';

let bench: MeshBench;
const dealers: Dealer[] = [];
beforeEach(() => {
  bench = openMeshBench();
});
afterEach(async () => {
  for (const dealer of dealers.splice(0)) dealer.close();
  await bench.close();
});

describe('a stranger', () => {
  it.each([
    ['without a key', () => ({})],
    ['with a key of its own', (a: Mesh) => curveClient(a.address.publicKey, curveKeyPair())],
    ['who takes us for somebody else', () => curveClient(curveKeyPair().publicKey, curveKeyPair())],
  ])('%s gets nothing, is counted and slows nothing', async (_who, clientOf) => {
    const [a, b] = await bench.pair();
    const stranger = dealerTo(b.mesh, clientOf(b.mesh));
    void stranger.send([Buffer.alloc(0), packHello(hello('a'))]).catch(() => {});
    await vi.waitFor(async () => expect(await ignored(b, 'stranger')).toBeGreaterThan(0), patience);
    expect(await a.mesh.request('b', 'still', inMs(5_000))).toEqual({ kind: 'answer', value: 'still' });
    expect(await ignored(b, 'no-ticket')).toBe(0);
  });

  it('who comes as many, each with a key of its own, gets nothing', async () => {
    const [a, b] = await bench.pair();
    const crowd = Array.from({ length: 50 }, () =>
      dealerTo(b.mesh, curveClient(b.mesh.address.publicKey, curveKeyPair())),
    );
    for (const dealer of crowd) void dealer.send([Buffer.alloc(0), packHello(hello('a'))]).catch(() => {});
    for (let n = 0; n < 200; n++) {
      expect(await a.mesh.request('b', n, inMs(5_000))).toEqual({ kind: 'answer', value: n });
    }
    await vi.waitFor(async () => expect(await ignored(b, 'stranger')).toBeGreaterThanOrEqual(crowd.length), patience);
    expect(await ignored(b, 'no-ticket')).toBe(0);
  });

  it('who floods the port with noise gets nothing', async () => {
    const [a, b] = await bench.pair();
    const port = Number(new URL(b.mesh.address.endpoint).port);
    const noisy = Array.from({ length: 100 }, () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(randomBytes(100_000));
      return socket;
    });
    for (let n = 0; n < 200; n++) {
      expect(await a.mesh.request('b', n, inMs(5_000))).toEqual({ kind: 'answer', value: n });
    }
    for (const socket of noisy) socket.destroy();
    await Promise.all(noisy.map((socket) => socket.closed || once(socket, 'close')));
  });
});

describe('a sick member', () => {
  it('that speaks another version is not asked, and told of once', async () => {
    const { b, sick } = await withSickMember();
    await sick.send([Buffer.alloc(0), packHello({ ...hello('sick'), version: protocolVersion + 1 })]);
    await vi.waitFor(async () => expect(await ignored(b, 'version')).toBe(1), patience);
    expect(await b.mesh.request('sick', 1, inMs(100))).toEqual(unreachable);
  });

  it('that sends what nobody understands, or too much of it, harms nobody', async () => {
    const { a, b, sick } = await withSickMember();
    const nonsense = [
      [Buffer.alloc(0), Buffer.alloc(0)],
      [Buffer.alloc(0), randomBytes(100)],
      [Buffer.alloc(3), randomBytes(100)],
      [randomBytes(16), randomBytes(100)],
      [Buffer.alloc(0), packHello(hello('nobody'))],
      [randomBytes(16)],
      [randomBytes(16), randomBytes(16), randomBytes(16)],
      [randomBytes(16), Buffer.alloc(frameBytesMax + 1)],
    ];
    for (const parts of nonsense) await sick.send(parts);
    await vi.waitFor(async () => expect(await ignored(b, 'no-ticket')).toBe(6), patience);
    expect(await ignored(b, 'malformed')).toBe(2);
    await sick.send([randomBytes(16), Buffer.alloc(8 * frameBytesMax)]);
    expect(await a.mesh.request('b', 'still', inMs(5_000))).toEqual({ kind: 'answer', value: 'still' });
  });

  it('that floods others keeps nobody from being heard', async () => {
    const { a, b, sick } = await withSickMember();
    const frame = [randomBytes(16), randomBytes(1_000)];
    let flooding = true;
    const flood = (async () => {
      while (flooding) await sick.send(frame);
    })();
    for (let n = 0; n < 50; n++) {
      expect(await a.mesh.request('b', n, inMs(5_000))).toEqual({ kind: 'answer', value: n });
    }
    flooding = false;
    await flood;
    expect(await ignored(b, 'no-ticket')).toBeGreaterThan(200);
  });

  /** `sick` is a member by its key, and no mesh. */
  async function withSickMember(): Promise<{ a: TestedNode; b: TestedNode; sick: Dealer }> {
    const [a, b] = [await bench.node('a'), await bench.node('b')];
    const keys = curveKeyPair();
    const sick = { nodeId: 'sick', endpoint: 'tcp://127.0.0.1:1', publicKey: keys.publicKey };
    for (const { mesh } of [a, b]) {
      mesh.setMembers([{ nodeId: 'a', ...a.mesh.address }, { nodeId: 'b', ...b.mesh.address }, sick]);
    }
    await reach(a, 'b');
    return { a, b, sick: dealerTo(b.mesh, curveClient(b.mesh.address.publicKey, keys)) };
  }
});

function dealerTo(mesh: Mesh, curve: object): Dealer {
  const dealer = new Dealer({ context: new Context(), linger: 0, immediate: true, ...curve });
  dealers.push(dealer);
  dealer.connect(mesh.address.endpoint);
  return dealer;
}

function curveClient(curveServerKey: string, { publicKey, secretKey }: KeyPair): object {
  return { curveServerKey, curvePublicKey: publicKey, curveSecretKey: secretKey };
}

function hello(nodeId: string) {
  return { version: protocolVersion, nodeId, ticket: randomBytes(16) };
}
