/** Meshes over real sockets on the loopback, with a TCP line (tcp-line.ts) in each direction between each two. */
import { expect, vi } from 'vitest';
import type { Mesh, MeshMember, MeshReply } from '../engine/mesh.ts';
import { type MeshOptions, openMesh } from '../mesh/mesh.ts';
import { createLogger, createMetrics, type Metrics } from '../telemetry.ts';
import { openTcpLine, type TcpLine } from './tcp-line.ts';

export interface MeshBench {
  open(nodeId: string, options?: Bounds & { readonly metrics?: Metrics }): Promise<Mesh>;
  /** A node that answers what it is asked with the question. */
  node(nodeId: string, bounds?: Bounds): Promise<TestedNode>;
  /** Two such, `a` and `b`, that reach each other. */
  pair(ofA?: Bounds, ofB?: Bounds): Promise<[TestedNode, TestedNode]>;
  /** The line on which `from` talks to `to`; there once `from` was told of it. */
  line(from: string, to: string): TcpLine;
  cut(from: string, to: string): void;
  /** Closes what was opened. */
  close(): Promise<void>;
}

type Bounds = Pick<MeshOptions, 'waitingMax'>;

export interface TestedNode {
  readonly mesh: Mesh;
  readonly metrics: Metrics;
  /** Commands that its handler was called with. */
  readonly asked: unknown[];
}

export function openMeshBench(): MeshBench {
  const meshes: Mesh[] = [];
  const lines = new Map<string, Promise<TcpLine>>();
  /** The latest line of each pair of nodes. */
  const opened = new Map<string, TcpLine>();

  async function lineTo(from: string, { nodeId, endpoint }: MeshMember): Promise<TcpLine> {
    const name = `${from} to ${nodeId} at ${endpoint}`;
    const opening = lines.get(name) ?? openTcpLine('127.0.0.1', Number(new URL(endpoint).port));
    lines.set(name, opening);
    const line = await opening;
    opened.set(`${from} to ${nodeId}`, line);
    return line;
  }

  const bench: MeshBench = {
    async open(nodeId, { metrics = createMetrics(), ...bounds } = {}) {
      const mesh = await openMesh({ ...meshOptions(nodeId, metrics), ...bounds });
      meshes.push(mesh);
      /** Only the latest list counts, however long its lines took to open. */
      let lists = 0;
      return {
        ...mesh,
        setMembers(members) {
          const list = ++lists;
          const others = members.filter((member) => member.nodeId !== nodeId);
          void Promise.all(others.map((member) => lineTo(nodeId, member))).then((ready) => {
            const byLine = others.map((member, n) => ({ ...member, endpoint: `tcp://127.0.0.1:${ready[n]?.port}` }));
            if (list === lists) mesh.setMembers(byLine);
          });
        },
      };
    },
    async node(nodeId, bounds) {
      const metrics = createMetrics();
      const mesh = await bench.open(nodeId, { metrics, ...bounds });
      const asked: unknown[] = [];
      mesh.serve(async (_from, command) => {
        asked.push(command);
        return command;
      });
      return { mesh, metrics, asked };
    },
    async pair(ofA, ofB) {
      const [a, b] = [await bench.node('a', ofA), await bench.node('b', ofB)];
      introduce({ a, b });
      await reach(a, 'b');
      await reach(b, 'a');
      return [a, b];
    },
    line(from, to) {
      const line = opened.get(`${from} to ${to}`);
      if (!line) throw new Error(`there is no line from ${from} to ${to}`);
      return line;
    },
    cut: (from, to) => bench.line(from, to).cut('there'),
    async close() {
      await Promise.all(meshes.map((mesh) => mesh.close()));
      await Promise.all([...lines.values()].map(async (line) => (await line).close()));
    },
  };
  return bench;
}

/** What a mesh of a test needs. */
export function meshOptions(nodeId: string, metrics: Metrics): MeshOptions {
  return {
    nodeId,
    host: '127.0.0.1',
    port: 0,
    advertisedHost: '127.0.0.1',
    clock: { now: Date.now },
    metrics,
    log: createLogger('silent'),
  };
}

// ---- what tests of it say

export const unreachable: MeshReply = { kind: 'refused', reason: 'unreachable' };

/** For what comes true by itself, as vitest's `waitFor` takes it. */
export const patience = { timeout: 15_000 };

export const inMs = (ms: number): number => Date.now() + ms;

/** Makes members of all, by the names given. */
export function introduce(nodes: Readonly<Record<string, TestedNode>>): void {
  const members = Object.entries(nodes).map(([nodeId, { mesh }]) => ({ nodeId, ...mesh.address }));
  for (const { mesh } of Object.values(nodes)) mesh.setMembers(members);
}

/** Resolves when requests to that node are not refused any more. */
export async function reach({ mesh }: TestedNode, to: string): Promise<void> {
  await vi.waitFor(async () => expect(await mesh.request(to, 'ping', inMs(300))).not.toEqual(unreachable), patience);
}

export function ignored(of: TestedNode, why: string): Promise<number> {
  return sample(of, `mesh_ignored_total{why="${why}"}`);
}

/** A value of the page of metrics; 0 when it is not there. */
export async function sample({ metrics }: TestedNode, name: string): Promise<number> {
  const line = (await metrics.text()).split('\n').find((text) => text.startsWith(`${name} `));
  return Number(line?.slice(name.length) ?? 0);
}
