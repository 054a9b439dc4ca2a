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
  /** Keeps what a connection sends in this direction, from the bytes that contain `mark` on; resolves when it has them. */
  hold(direction: Direction, mark: string): Promise<void>;
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
  hold: { readonly mark: string; readonly met: () => void } | null;
  /** Of the connections that are held. */
  readonly kept: Map<Socket, Buffer[]>;
}

export async function openTcpLine(host: string, port: number): Promise<TcpLine> {
  const faults: Record<Direction, Fault> = { there: sound(), back: sound() };
  const sockets = new Set<Socket>();
  let connections = 0;

  function carry(from: Socket, to: Socket, direction: Direction): void {
    sockets.add(from);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    from.on('data', (chunk) => {
      const fault = faults[direction];
      if (fault.lost) return;
      if (fault.garbled) chunk.reverse();
      fault.garbled = false;
      if (fault.hold && chunk.includes(fault.hold.mark)) {
        fault.kept.set(to, []);
        fault.hold.met();
        fault.hold = null;
      }
      if (fault.kept.has(to)) fault.kept.get(to)?.push(chunk);
      else if (fault.delayMs === 0) to.write(chunk);
      else setTimeout(() => to.destroyed || to.write(chunk), fault.delayMs);
    });
  }

  const server = createServer((client) => {
    connections++;
    const upstream = connect(port, host);
    carry(client, upstream, 'there');
    carry(upstream, client, 'back');
  }).listen(0, '127.0.0.1');
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
    hold: (direction, mark) =>
      new Promise((met) => {
        faults[direction].hold = { mark, met };
      }),
    hangUp,
    heal() {
      for (const { kept } of Object.values(faults))
        for (const [to, chunks] of kept) for (const chunk of chunks) to.destroyed || to.write(chunk);
      Object.assign(faults, { there: sound(), back: sound() });
    },
    async close() {
      server.close();
      hangUp();
      await once(server, 'close');
    },
  };
}

const sound = (): Fault => ({ delayMs: 0, lost: false, garbled: false, hold: null, kept: new Map() });
