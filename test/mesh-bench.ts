/** Meshes over real sockets on the loopback, with a TCP line (tcp-line.ts) in each direction between each two. */
import type { Mesh, MeshMember } from '../engine/mesh.ts';
import { type MeshOptions, openMesh } from '../mesh/mesh.ts';
import { createLogger, createMetrics, type Metrics } from '../telemetry.ts';
import { openTcpLine, type TcpLine } from './tcp-line.ts';

export interface SocketBench {
  open(nodeId: string, options?: Partial<MeshOptions>): Promise<Mesh>;
  /** The line on which `from` talks to `to`; there once `from` was told of it. */
  line(from: string, to: string): TcpLine;
  cut(from: string, to: string): void;
  close(): Promise<void>;
}

export function openSocketBench(): SocketBench {
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

  return {
    async open(nodeId, options) {
      const mesh = await openMesh({ ...meshOptions(nodeId), ...options });
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
    line(from, to) {
      const line = opened.get(`${from} to ${to}`);
      if (!line) throw new Error(`there is no line from ${from} to ${to}`);
      return line;
    },
    cut(from, to) {
      this.line(from, to).cut('there');
    },
    async close() {
      await Promise.all([...lines.values()].map(async (line) => (await line).close()));
    },
  };
}

/** What a mesh of a test needs. */
function meshOptions(nodeId: string, metrics: Metrics = createMetrics()): MeshOptions {
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
