/**
 * The mesh over ZeroMQ: one listening socket, one connection to each peer, everything encrypted both ways (CURVE). What
 * goes between two nodes, answers too, goes on the connection of the one that says it.
 *
 * The keys are made at each start; whoever writes the list of members (Redis) decides who may talk. Members are trusted
 * not to lie, but not to be healthy: whatever a sick one sends is bounded and counted.
 */
import { Context, curveKeyPair } from 'zeromq';
import type { Mesh, MeshHandler, MeshMember, MeshReply } from '../engine/mesh.ts';
import { openDoor } from './door.ts';
import { frameBytesMax, unpackHello } from './frame.ts';
import { helloEveryMs, Link, type LinkSetting } from './link.ts';
import type { MeshOptions } from './mesh.ts';

/** How exactly deadlines are kept, in ms. */
const expireEveryMs = 20;

/** What a mesh that closes has still to say to its peers may take so long. */
const farewellMs = 500;

/** Rejects when the address cannot be listened on. */
export async function openSockets(options: MeshOptions): Promise<Mesh> {
  const { nodeId, host, port, advertisedHost, metrics, log, waitingMax = 8_192 } = options;
  const context = new Context();
  const keys = curveKeyPair();
  const links = new Map<string, Link>();
  const byTicket = new Map<string, Link>();
  let handler: MeshHandler | null = null;
  let tellGone: (member: MeshMember) => void = () => {};

  const setting: LinkSetting = { ...options, context, keys, waitingMax, asked, gone: (peer) => tellGone(peer) };
  async function asked(from: string, command: unknown, deadlineMs: number): Promise<MeshReply> {
    if (!handler) return { kind: 'refused', reason: 'unreachable' };
    try {
      return { kind: 'answer', value: await handler(from, command, deadlineMs) };
    } catch (error) {
      log.error({ err: error, from }, 'a request of another node failed');
      return { kind: 'unanswered' };
    }
  }

  const door = await openDoor(context, {
    keys,
    host,
    port,
    admits: (publicKey) => [...links.values()].some(({ peer }) => peer.publicKey === publicKey),
    heard,
    refused: () => metrics.meshIgnored('stranger'),
  });
  function heard([ticket, body]: readonly Buffer[]): number {
    if (!ticket || !body || body.length > frameBytesMax) {
      metrics.meshIgnored('malformed');
      return 1;
    }
    const hello = ticket.length === 0 ? unpackHello(body) : null;
    const link = hello ? links.get(hello.nodeId) : byTicket.get(ticket.toString('latin1'));
    if (link && !hello) return link.hear(body);
    if (link && hello) link.hearHello(hello);
    else metrics.meshIgnored('no-ticket');
    return 1;
  }

  function drop(link: Link): void {
    links.delete(link.peer.nodeId);
    byTicket.delete(link.ticket.toString('latin1'));
    void link.close();
  }

  const rest = keepAlive(links);
  metrics.gauge('mesh_peers', () => [...links.values()].filter(({ works }) => works).length);

  return {
    address: { endpoint: `tcp://${advertisedHost}:${door.port}`, publicKey: keys.publicKey },
    setMembers(members) {
      const peers = new Map(members.map((member) => [member.nodeId, member]));
      for (const link of links.values()) if (!isSame(link.peer, peers.get(link.peer.nodeId))) drop(link);
      for (const peer of peers.values()) {
        if (peer.nodeId === nodeId || links.has(peer.nodeId)) continue;
        const link = new Link(peer, setting);
        links.set(peer.nodeId, link);
        byTicket.set(link.ticket.toString('latin1'), link);
      }
    },
    async request(to, command, deadlineMs) {
      const reply = (await links.get(to)?.request(command, deadlineMs)) ?? unreachable;
      metrics.meshAsked(reply.kind);
      return reply;
    },
    serve(next) {
      handler = next;
    },
    onGone(tell) {
      tellGone = tell;
    },
    async close() {
      rest();
      handler = null;
      await Promise.all([...links.values()].map((link) => link.close(farewellMs)));
      links.clear();
      byTicket.clear();
      door.close();
    },
  };
}

/** Has all links beat and expire what is due; ends when the answer is called. */
function keepAlive(links: ReadonlyMap<string, Link>): () => void {
  const beat = setInterval(() => {
    for (const link of links.values()) link.beat();
  }, helloEveryMs).unref();
  const expire = setInterval(() => {
    for (const link of links.values()) link.expire();
  }, expireEveryMs).unref();
  return () => {
    clearInterval(beat);
    clearInterval(expire);
  };
}

const unreachable: MeshReply = { kind: 'refused', reason: 'unreachable' };

function isSame(known: MeshMember, now: MeshMember | undefined): boolean {
  return known.endpoint === now?.endpoint && known.publicKey === now.publicKey;
}
