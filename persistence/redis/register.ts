/** The register of members and leases over Redis. A lost answer is a rejection: every call is safe to repeat. */
import type { Beat, Member, Register, Shard } from '../../engine/membership.ts';
import type { GateConnection } from './connection.ts';
import { leaseKey, nodesKey } from './keys.ts';
import { loadScript, runScript } from './scripts.ts';

const beatScript = loadScript('beat');
const claimLease = loadScript('claim_lease');
const releaseLease = loadScript('release_lease');
const leaveCluster = loadScript('leave_cluster');

/** How long a call waits for a connection that is away; a beat that comes late is worth nothing. */
const reconnectWaitMs = 300;

export interface RegisterOptions {
  /** Nodes of one name are one cluster. */
  readonly cluster: string;
  /** Silence after which a member is gone, in ms. */
  readonly memberTtlMs: number;
}

export function createRegister(connection: GateConnection, { cluster, memberTtlMs }: RegisterOptions): Register {
  const nodes = nodesKey(cluster);
  const ttl = String(memberTtlMs);
  const run = (script: Parameters<typeof runScript>[1], keys: readonly string[], args: readonly string[]) =>
    connection.on(nodes, reconnectWaitMs, (server) => runScript(server, script, keys, args));
  return {
    async beat(self, joins): Promise<Beat> {
      const { nodeId, incarnation, state, address } = self;
      const about = JSON.stringify({ state, address });
      try {
        const reply = await run(beatScript, [nodes], [nodeId, incarnation, about, ttl, joins ? '1' : '0']);
        const [unknown, ...fields] = reply as [number, ...Buffer[]];
        return { kind: 'present', wasUnknown: unknown === 1, members: readMembers(fields) };
      } catch (error) {
        if (error instanceof Error && error.message.startsWith('REPLACED')) return { kind: 'replaced' };
        throw error;
      }
    },
    async leave({ nodeId, incarnation }) {
      await run(leaveCluster, [nodes], [nodeId, incarnation]);
    },
    async claim({ nodeId, incarnation }, shard: Shard) {
      return String(await run(claimLease, [nodes, leaseKey(cluster, shard)], [nodeId, incarnation, ttl]));
    },
    async release({ nodeId, incarnation }, shard: Shard) {
      await run(releaseLease, [leaseKey(cluster, shard)], [nodeId, incarnation]);
    },
  };
}

function readMembers(fields: readonly Buffer[]): readonly Member[] {
  const members: Member[] = [];
  for (let i = 0; i < fields.length; i += 3) {
    const [nodeId, incarnation, about] = fields.slice(i, i + 3).map(String) as [string, string, string];
    members.push({ nodeId, incarnation, ...(JSON.parse(about) as Pick<Member, 'state' | 'address'>) });
  }
  return members;
}
