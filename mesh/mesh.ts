/**
 * Opens a node's mesh. ZeroMQ is an optional dependency: where it could not be installed, a node still runs, alone
 * (docs/adr/0017-one-way-connections-between-nodes.md).
 */
import type { Mesh } from '../engine/mesh.ts';
import type { Clock } from '../engine/ports.ts';
import type { Logger, Metrics } from '../telemetry.ts';

export interface MeshOptions {
  readonly nodeId: string;
  /** Address to listen on. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Where others reach that address. */
  readonly advertisedHost: string;
  /** Requests that may be under way to one peer, and as many from it: beyond them they are refused at once. */
  readonly waitingMax?: number;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Rejects when the address cannot be listened on. `load` is there for tests. */
export async function openMesh(options: MeshOptions, load = () => import('./sockets.ts')): Promise<Mesh> {
  const sockets = await load().catch((error: unknown) => {
    options.log.warn({ err: error }, 'ZeroMQ cannot be loaded: this node lives alone');
    return null;
  });
  return sockets ? sockets.openSockets(options) : solitude(options);
}

/** The mesh of a node that reaches nobody and that nobody reaches. */
function solitude({ nodeId, advertisedHost, log }: MeshOptions): Mesh {
  return {
    // A port and a key that nobody has: others are told why when they try.
    address: { endpoint: `tcp://${advertisedHost}:0`, publicKey: '' },
    setMembers(members) {
      const others = members.map((member) => member.nodeId).filter((id) => id !== nodeId);
      if (others.length > 0) log.error({ others }, 'there are other nodes, and without ZeroMQ none can be reached');
    },
    request: async () => ({ kind: 'refused', reason: 'unreachable' }),
    serve() {},
    onGone() {},
    async close() {},
  };
}
