/** Five thousand who connect and never read a byte: the others hear what is told as before, and then they are sent away. */
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../../test/buyer.ts';
import { type LiveEdge, startLiveEdge } from '../../test/live-edge.ts';
import { type LiveVisitor, visitLive } from '../../test/live-visitor.ts';

const deafOnes = 5_000;
const arrivingMax = 200;

let edge: LiveEdge;
const sockets: Socket[] = [];

beforeAll(async () => {
  edge = await startLiveEdge({ connectionsMax: deafOnes + 10 });
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await edge.stop();
});

const tokenOf = async (id: string) => (await edge.bearer('user', id)).slice('Bearer '.length);

/** Sends a handshake, and never looks at what comes of it. */
async function comeDeaf(token: string): Promise<void> {
  const { hostname, port, host } = new URL(edge.url);
  const socket = connect({ host: hostname, port: Number(port) });
  sockets.push(socket);
  socket.on('error', () => {}); // cut off, as it should be
  socket.pause();
  await once(socket, 'connect');
  const head = [
    `GET /api/v1/ws?event_id=${edge.eventId} HTTP/1.1`,
    `Host: ${host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    `Sec-WebSocket-Protocol: onsale.v1, bearer.${token}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
}

async function comeAll(): Promise<void> {
  const arrivals = Array.from({ length: deafOnes }).values();
  const come = async () => {
    for (const _ of arrivals) await comeDeaf(await tokenOf(randomUUID()));
  };
  await Promise.all(Array.from({ length: arrivingMax }, come));
  await eventually(() => expect(edge.counted('socket')).toBe(deafOnes + 1));
}

it('keep nobody else from hearing, and do not stay', { timeout: 120_000 }, async () => {
  const there: LiveVisitor = await visitLive({
    ...{ url: edge.url, eventId: edge.eventId, token: await tokenOf(randomUUID()) },
  });
  await there.hears('welcome');
  await comeAll();
  for (let n = 1; n <= 6; n++) {
    edge.tick({ waiting: n }, 15_000);
    await there.hears('position', ({ waiting }) => waiting === n);
    there.say({ type: 'ping' });
    await there.hears('pong');
  }
  await eventually(() => expect(edge.counted('socket')).toBe(1));
  expect(edge.farewells.filter((why) => why === 'silent')).toHaveLength(deafOnes);
});
