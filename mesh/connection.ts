/**
 * One encrypted connection to a peer, on which we only send. It is up at most once: what was handed to a connection that
 * ended is gone, so that nothing old reaches a peer by a later one.
 */
import { connect } from 'node:net';
import { type Context, Dealer } from 'zeromq';
import type { MeshAddress } from '../engine/mesh.ts';

/** A CURVE25519 pair, each 40 characters of Z85. */
export interface KeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

export interface ConnectionWatch {
  /** The peer has let us in: it has the key that we know, and knows ours. */
  up(): void;
  /** Nothing more arrives. Called once, also for a connection that never was up; not for one that we closed. */
  down(): void;
}

export interface Connection {
  /** Resolves when it is handed over, which waits while the peer does not keep up. False: the connection has ended. */
  send(parts: Buffer[]): Promise<boolean>;
  close(): void;
}

/** Frames that may wait inside the socket; what comes after them waits in the link, and is counted there. */
const framesInSocket = 8;

/** How long what was handed over still has to leave after `close`. */
const lingerMs = 500;

/** Throws for an address or a key that is none. */
export function openConnection(context: Context, keys: KeyPair, peer: MeshAddress, watch: ConnectionWatch): Connection {
  const dealer = new Dealer({
    context,
    curveServerKey: peer.publicKey,
    curvePublicKey: keys.publicKey,
    curveSecretKey: keys.secretKey,
    immediate: true,
    linger: lingerMs,
    sendHighWaterMark: framesInSocket,
    ...patience,
  });
  let ended = false;
  const close = () => {
    ended = true;
    dealer.close();
  };
  const end = () => {
    if (ended) return;
    close();
    watch.down();
  };
  void follow(dealer, watch.up).then(end, end);
  try {
    dealer.connect(peer.endpoint);
  } catch (error) {
    close();
    throw error;
  }
  return {
    async send(parts) {
      if (ended) return false;
      try {
        await dealer.send(parts);
        return true;
      } catch {
        end();
        return false;
      }
    },
    close,
  };
}

/**
 * How long a socket waits for the other side, in ms. The door does not answer whom it does not know (yet), and libzmq
 * never tries again after most refusals: so a handshake must run out, and then we try anew.
 */
export const patience = {
  connectTimeout: 1_000,
  handshakeInterval: 1_000,
  heartbeatInterval: 500,
  heartbeatTimeout: 2_000,
  heartbeatTimeToLive: 2_000,
  reconnectInterval: 100,
  reconnectMaxInterval: 1_000,
} as const;

/** Resolves when the connection has ended; while there is nobody to connect to, libzmq itself goes on trying. */
async function follow(dealer: Dealer, up: () => void): Promise<void> {
  for (;;) {
    const { type } = await dealer.events.receive();
    if (type === 'handshake') up();
    else if (type === 'disconnect' || type === 'end') return;
  }
}

/**
 * Whether the process at an endpoint has surely ended: its system is there and refuses connections to the port that the
 * process had as long as it lived. ZeroMQ does not tell why it cannot connect.
 */
export function isDeserted(endpoint: string): Promise<boolean> {
  const { hostname, port } = new URL(endpoint);
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port),
      timeout: patience.connectTimeout,
    });
    const end = (deserted: boolean) => {
      socket.destroy();
      resolve(deserted);
    };
    socket.once('connect', () => end(false));
    socket.once('timeout', () => end(false));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'));
  });
}
