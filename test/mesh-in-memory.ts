/**
 * A network of meshes in one process, whose lines can be slow, lossy or cut in one direction. Commands are packed and
 * unpacked as on the wire, so that nothing passes which a socket would not carry.
 */
import { pack, unpack } from 'msgpackr';
import type { Mesh, MeshHandler, MeshMember, MeshReply } from '../engine/mesh.ts';
import type { World } from '../engine/ports.ts';

export interface MeshNetwork {
  /** A node's mesh; a node that joins again has another key, as after a restart. */
  join(nodeId: string): Mesh;
  /** What `from` sends to `to` takes that long from now on. */
  delay(from: string, to: string, delayMs: number): void;
  /** The next `messages` from `from` to `to` are lost, requests and answers alike. */
  drop(from: string, to: string, messages: number): void;
  /** Everything from `from` to `to` is lost until `heal`; the other direction goes on. */
  cut(from: string, to: string): void;
  heal(from: string, to: string): void;
}

interface Line {
  delayMs: number;
  /** How many more messages are lost. */
  losing: number;
}

interface Node {
  readonly publicKey: string;
  receive(from: string, command: unknown, deadlineMs: number): Promise<MeshReply>;
  /** Ends the requests under way to a node that is no more, or is another. */
  lose(nodeId: string): void;
  /** Hears that a node has ended. */
  miss(nodeId: string): void;
}

export function createMeshNetwork({ clock, timers }: Pick<World, 'clock' | 'timers'>): MeshNetwork {
  const nodes = new Map<string, Node>();
  const lines = new Map<string, Line>();
  let joined = 0;

  function line(from: string, to: string): Line {
    const name = `${from} to ${to}`;
    const found = lines.get(name) ?? { delayMs: 0, losing: 0 };
    lines.set(name, found);
    return found;
  }

  function carry(from: string, to: string, arrive: () => void): void {
    const { delayMs, losing } = line(from, to);
    if (losing > 0) line(from, to).losing--;
    else timers.after(delayMs, arrive);
  }

  function join(nodeId: string): Mesh {
    const address = { endpoint: `memory://${nodeId}`, publicKey: `${nodeId}#${++joined}` };
    const members = new Map<string, MeshMember>();
    const pending = new Map<(reply: MeshReply) => void, string>();
    let handler: MeshHandler | null = null;
    let tellGone: (member: MeshMember) => void = () => {};

    const lose = (lost: string) => {
      for (const [settle, to] of pending) if (to === lost) settle({ kind: 'unanswered' });
    };
    const self: Node = {
      publicKey: address.publicKey,
      lose,
      miss(nodeId) {
        const member = members.get(nodeId);
        if (member) tellGone(member);
      },
      async receive(from, command, deadlineMs) {
        if (!handler) return { kind: 'refused', reason: 'unreachable' };
        try {
          return { kind: 'answer', value: copied(await handler(from, command, deadlineMs)) };
        } catch {
          return { kind: 'unanswered' };
        }
      },
    };
    nodes.set(nodeId, self);
    for (const other of nodes.values()) other.lose(nodeId);

    /** Null unless it is a member, and still the one that we know. */
    function reach(to: string): Node | null {
      const node = nodes.get(to);
      return node && nodes.get(nodeId) === self && members.get(to)?.publicKey === node.publicKey ? node : null;
    }

    return {
      address,
      setMembers(now) {
        const before = new Map(members);
        members.clear();
        for (const member of now) members.set(member.nodeId, member);
        for (const [id, was] of before) if (members.get(id)?.publicKey !== was.publicKey) lose(id);
      },
      async request(to, command, deadlineMs) {
        const sent = copied(command);
        const node = reach(to);
        if (!node) return { kind: 'refused', reason: 'unreachable' };
        if (deadlineMs <= clock.now()) return { kind: 'refused', reason: 'late' };
        return new Promise((resolve) => {
          const stop = timers.after(deadlineMs - clock.now(), () => settle({ kind: 'unanswered' }));
          const settle = (reply: MeshReply) => {
            stop();
            pending.delete(settle);
            resolve(reply);
          };
          pending.set(settle, to);
          carry(nodeId, to, () => {
            if (reach(to) !== node || deadlineMs <= clock.now()) return;
            void node.receive(nodeId, sent, deadlineMs).then((reply) => carry(to, nodeId, () => settle(reply)));
          });
        });
      },
      serve(next) {
        handler = next;
      },
      onGone(tell) {
        tellGone = tell;
      },
      async close() {
        if (nodes.get(nodeId) === self) nodes.delete(nodeId);
        for (const settle of pending.keys()) settle({ kind: 'unanswered' });
        for (const other of nodes.values()) {
          other.lose(nodeId);
          other.miss(nodeId);
        }
      },
    };
  }

  return {
    join,
    delay: (from, to, delayMs) => {
      line(from, to).delayMs = delayMs;
    },
    drop: (from, to, messages) => {
      line(from, to).losing = messages;
    },
    cut: (from, to) => {
      line(from, to).losing = Number.POSITIVE_INFINITY;
    },
    heal: (from, to) => {
      line(from, to).losing = 0;
    },
  };
}

function copied(value: unknown): unknown {
  return unpack(pack(value));
}
