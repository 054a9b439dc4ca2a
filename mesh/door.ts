/**
 * Where other nodes come in: the listening socket, on which we only receive, and the keeper that decides whose key is let
 * in (ZAP, ZeroMQ RFC 27). Strangers cost a handshake in libzmq's thread and one count here; they never get to say a word.
 */
import { type Context, Reply, Router } from 'zeromq';
import { type KeyPair, patience } from './connection.ts';
import { frameBytesMax } from './frame.ts';

export interface DoorOptions {
  readonly keys: KeyPair;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  admits(publicKey: string): boolean;
  /** What somebody said who was let in, perhaps long ago, in whatever parts. Returns how many things it had to say. */
  heard(parts: readonly Buffer[]): number;
  /** A connection that was not let in, or could not even shake hands. */
  refused(): void;
}

export interface Door {
  readonly port: number;
  close(): void;
}

/** A longer message ends the connection inside libzmq; between this and the limit of a frame we can still count it. */
const messageBytesMax = 4 * frameBytesMax;

/** Messages of one peer that may wait in the socket; then TCP holds that peer back. */
const messagesInSocket = 64;

/** After so many things heard, others get their turn of the event loop. */
const thingsPerTurn = 256;

export async function openDoor(context: Context, options: DoorOptions): Promise<Door> {
  const keeper = new Reply({ context, linger: 0 });
  await keeper.bind('inproc://zeromq.zap.01');
  void judge(keeper, options).catch(unlessClosed(keeper));
  const router = new Router({
    context,
    curveServer: true,
    curveSecretKey: options.keys.secretKey,
    zapDomain: 'mesh',
    linger: 0,
    maxMessageSize: messageBytesMax,
    receiveHighWaterMark: messagesInSocket,
    ...patience,
  });
  const close = () => {
    router.close();
    keeper.close();
  };
  try {
    await router.bind(`tcp://${options.host}:${options.port === 0 ? '*' : options.port}`);
  } catch (error) {
    close();
    throw error;
  }
  void listen(router, options).catch(unlessClosed(router));
  void countRefusals(router, options).catch(unlessClosed(router));
  return { port: Number(router.lastEndpoint?.split(':').at(-1)), close };
}

/** A loop may end when its socket was closed. With any other error the node would be deaf and not know: the process ends. */
function unlessClosed(socket: { readonly closed: boolean }) {
  return (error: unknown) => {
    if (!socket.closed) throw error;
  };
}

async function judge(keeper: Reply, { admits }: DoorOptions): Promise<void> {
  for await (const [version, request, , , , mechanism, key] of keeper) {
    const known = mechanism?.toString() === 'CURVE' && key !== undefined && admits(z85(key));
    // 300, a passing refusal: after 400 libzmq's client would never try again, and we may know it in a moment.
    await keeper.send([version ?? '', request ?? '', known ? '200' : '300', '', '', '']);
  }
}

async function listen(router: Router, { heard }: DoorOptions): Promise<void> {
  let things = 0;
  for await (const [, ...parts] of router) {
    things += heard(parts);
    if (things < thingsPerTurn) continue;
    things = 0;
    await new Promise(setImmediate);
  }
}

async function countRefusals(router: Router, { refused }: DoorOptions): Promise<void> {
  for (;;) {
    const { type } = await router.events.receive();
    if (type === 'end') return;
    if (type.startsWith('handshake:error')) refused();
  }
}

const letters = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** ZeroMQ RFC 32: four bytes are five digits of base 85. */
function z85(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const word = bytes.readUInt32BE(at);
    for (let power = 85 ** 4; power >= 1; power /= 85) text += letters[Math.floor(word / power) % 85];
  }
  return text;
}
