/** A TCP line between two nodes that can be slow, cut in one direction or both, broken, or noisy. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type Direction = 'there' | 'back';

export interface TcpLine {
  /** Where the line begins, on the loopback. */
  readonly port: number;
  /** How many were taken so far. */
  readonly connections: number;
  /** Bytes in this direction take that long from now on. */
  delay(direction: Direction, delayMs: number): void;
  /** Bytes in this direction get lost, though both ends stay connected: what TCP does for minutes on a dead network. */
  cut(direction: Direction): void;
  /** The next bytes in this direction arrive changed. */
  garble(direction: Direction): void;
  /**
   * Keeps everything in this direction until the line heals: what TCP does on a network that comes back in time. Who hangs up
   * meanwhile is not heard to, and what they have sent arrives all the same.
   */
  block(direction: Direction): void;
  /** Keeps what a connection sends in this direction, from the bytes that contain `mark` on; resolves when it has them. */
  hold(direction: Direction, mark: string): Promise<void>;
  /** New connections lead to this port. */
  leadTo(port: number): void;
  /** Ends all connections; new ones are taken. */
  hangUp(): void;
  /** What was held arrives now. */
  heal(): void;
  close(): Promise<void>;
}

interface Fault {
  delayMs: number;
  lost: boolean;
  garbled: boolean;
  blocked: boolean;
  hold: { readonly mark: string; readonly met: () => void } | null;
  /** Of the connections that are held, by where it goes. */
  readonly kept: Map<Socket, { readonly from: Socket; readonly chunks: Buffer[] }>;
}

function deliver(to: Socket, chunk: Buffer): void {
  if (!to.destroyed) to.write(chunk);
}

/** `at`: where the line begins; any free port of the loopback unless told. */
export async function openTcpLine(host: string, port: number, at = { host: '127.0.0.1', port: 0 }): Promise<TcpLine> {
  const faults: Record<Direction, Fault> = { there: sound(), back: sound() };
  const sockets = new Set<Socket>();
  let connections = 0;
  let target = port;

  function carry(from: Socket, to: Socket, direction: Direction): void {
    sockets.add(from);
    const keep = () => {
      const { kept } = faults[direction];
      const known = kept.get(to) ?? { from, chunks: [] };
      kept.set(to, known);
      return known.chunks;
    };
    from.on('error', () => {}); // the close that follows says so
    from.on('close', () => {
      sockets.delete(from);
      const { blocked, kept } = faults[direction];
      if (blocked || kept.has(to)) keep();
      else to.destroy();
    });
    from.on('data', (chunk) => {
      const fault = faults[direction];
      if (fault.lost) return;
      if (fault.garbled) chunk.reverse();
      fault.garbled = false;
      if (fault.hold && chunk.includes(fault.hold.mark)) {
        keep();
        fault.hold.met();
        fault.hold = null;
      }
      if (fault.blocked || fault.kept.has(to)) keep().push(chunk);
      else if (fault.delayMs === 0) deliver(to, chunk);
      else setTimeout(() => deliver(to, chunk), fault.delayMs);
    });
  }

  const server = createServer((client) => {
    connections++;
    const upstream = connect(target, host);
    carry(client, upstream, 'there');
    carry(upstream, client, 'back');
  }).listen(at.port, at.host);
  await once(server, 'listening');
  const hangUp = () => {
    for (const socket of sockets) socket.destroy();
  };

  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    delay: (direction, delayMs) => {
      faults[direction].delayMs = delayMs;
    },
    cut: (direction) => {
      faults[direction].lost = true;
    },
    garble: (direction) => {
      faults[direction].garbled = true;
    },
    block: (direction) => {
      faults[direction].blocked = true;
    },
    hold: (direction, mark) =>
      new Promise((met) => {
        faults[direction].hold = { mark, met };
      }),
    leadTo(next) {
      target = next;
    },
    hangUp,
    heal() {
      const kept = [...faults.there.kept, ...faults.back.kept];
      Object.assign(faults, { there: sound(), back: sound() });
      for (const [to, { from, chunks }] of kept) {
        for (const chunk of chunks) deliver(to, chunk);
        if (from.destroyed) to.end();
      }
    },
    async close() {
      server.close();
      hangUp();
      await once(server, 'close');
    },
  };
}

const sound = (): Fault => ({ delayMs: 0, lost: false, garbled: false, blocked: false, hold: null, kept: new Map() });
