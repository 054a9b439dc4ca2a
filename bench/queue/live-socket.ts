/**
 * A WebSocket (RFC 6455) as thin as one can be: a browser's view of a waiting room at a cost that leaves the machine to
 * the server, so that one process can hold many thousands. Answers pings; takes whole frames only, as our server sends.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Address } from '../load/connection.ts';

export interface LiveSocket {
  /** Sends a message; it is an object of `clientMessages` (http/live-view.ts). */
  send(message: object): void;
  close(): void;
}

export interface LiveSocketEvents {
  opened(): void;
  /** One whole message; its memory is only good during the call. */
  message(payload: Buffer): void;
  /** It is gone, for whatever reason but `close`. */
  lost(why: string): void;
}

const opcodes = { text: 1, close: 8, ping: 9, pong: 10 } as const;
const headEnd = Buffer.from('\r\n\r\n');

export function openLiveSocket(
  { host, port }: Address,
  { eventId, token }: { readonly eventId: string; readonly token: string },
  events: LiveSocketEvents,
): LiveSocket {
  const socket = connect({ host, port, noDelay: true });
  let isOpen = false;
  let isClosed = false;
  let pending: Buffer = Buffer.alloc(0);
  let why = 'closed by the server';

  const takeHead = () => {
    const end = pending.indexOf(headEnd);
    if (end < 0) return;
    const [status = ''] = pending.toString('latin1', 0, end).split('\r\n');
    pending = pending.subarray(end + headEnd.length);
    if (status.includes(' 101 ')) {
      isOpen = true;
      events.opened();
    } else {
      why = status;
      socket.destroy();
    }
  };
  const takeFrames = () => {
    for (let frame = readFrame(pending); frame; frame = readFrame(pending)) {
      const { opcode, payload, end } = frame;
      pending = pending.subarray(end);
      if (opcode === opcodes.ping) socket.write(frameOf(opcodes.pong, payload));
      else if (opcode === opcodes.close)
        why = `closed with ${payload.length < 2 ? 'no code' : payload.readUInt16BE(0)}`;
      else events.message(payload);
    }
  };
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    if (!isOpen) takeHead();
    if (isOpen) takeFrames();
  });
  socket.on('error', (error) => {
    why = error.message;
  });
  socket.on('close', () => {
    if (!isClosed) events.lost(why);
  });
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET /api/v1/ws?event_id=${eventId} HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: onsale.v1, bearer.${token}\r\n\r\n`,
  );
  return {
    send: (message) => void socket.write(frameOf(opcodes.text, Buffer.from(JSON.stringify(message)))),
    close() {
      isClosed = true;
      socket.destroy();
    },
  };
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  /** Where the next one begins. */
  readonly end: number;
}

/** Null until a whole frame is there. Servers send frames without a mask. */
function readFrame(bytes: Buffer): Frame | null {
  if (bytes.length < 2) return null;
  const [first, short] = [bytes.readUInt8(0), bytes.readUInt8(1)];
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return null;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const end = start + length;
  return bytes.length < end ? null : { opcode: first & 0x0f, payload: bytes.subarray(start, end), end };
}

/** Of at most 125 bytes, masked, as clients must: with zeros, since there is nothing here to hide from proxies. */
function frameOf(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}
