/** Following a waiting room over WebSocket on a whole node. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signAccessToken } from '../../http/auth.ts';
import { type Buyer, buyerWith, eventually } from '../buyer.ts';
import { type LiveVisitor, streamLive, type Told, visitLive } from '../live-visitor.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest, tokenSecret } from '../node-under-test.ts';

let node: NodeUnderTest;
let sale: OnSale;
let admin: Buyer;
let buyer: Buyer;
let rival: Buyer;
const visitors: LiveVisitor[] = [];

beforeAll(async () => {
  node = await startNodeUnderTest();
  const user = { id: randomUUID(), role: 'admin', tokenId: randomUUID() } as const;
  const token = await signAccessToken(tokenSecret, user, { nowMs: Date.now(), ttlSeconds: 900 });
  admin = buyerWith(node.url, { userId: user.id, token });
});
beforeEach(async () => {
  sale = await node.putOnSale({ waitingRoom: 'open' });
  [buyer, rival] = (await node.crowd(2)) as [Buyer, Buyer];
  await configure({ mode: 'paused' });
});
afterAll(async () => {
  for (const one of visitors) one.leave();
  await node.close();
});

async function configure(terms: object): Promise<void> {
  const headers = { 'Content-Type': 'application/json' };
  const path = `/admin/queue/${sale.eventId}`;
  const answer = await admin.ask(path, { method: 'PUT', headers, body: JSON.stringify(terms) });
  expect(answer.status, answer.text).toBe(200);
}

async function visit(who: Buyer, more: Partial<Parameters<typeof visitLive>[0]> = {}): Promise<LiveVisitor> {
  const visitor = await visitLive({ url: node.url(), eventId: sale.eventId, token: who.token, ...more });
  visitors.push(visitor);
  return visitor;
}

describe('a live connection', () => {
  it('is welcomed, joins, sees the line move and gets its pass', async () => {
    const first = await visit(buyer);
    expect(await first.hears('welcome')).toMatchObject({ status: 'absent', resumed: false, total: 0 });
    first.say({ type: 'join' });
    expect(await first.hears('place')).toMatchObject({ status: 'waiting', place: 1, position: 1, total: 1 });
    const second = await visit(rival);
    await second.hears('welcome');
    second.say({ type: 'join' });
    expect(await second.hears('place')).toMatchObject({ place: 2, position: 2, total: 2 });
    await second.hears('position', ({ waiting, mode }) => waiting === 2 && mode === 'paused');
    await configure({ mode: 'open', max_concurrent: 1 });
    await first.hears('opened');
    const pass = await first.hears('admitted');
    expect(pass).toMatchObject({ status: 'admitted', position: 0, queue_pass: expect.stringMatching(/^ey/) });
    second.say({ type: 'position' });
    expect(await second.hears('place')).toMatchObject({ place: 2, position: 1, total: 1 });
    second.say({ type: 'leave' });
    expect(await second.hears('left')).toMatchObject({ reason: 'left' });
    await configure({ mode: 'paused' });
    await second.hears('paused');
  });
});

describe('a stream', () => {
  it('says what the socket says', async () => {
    const socket = await visit(buyer);
    const stream = await streamLive({ url: node.url(), eventId: sale.eventId, token: buyer.token });
    socket.say({ type: 'join' });
    await configure({ mode: 'open', max_concurrent: 1 });
    const admitted = await socket.hears('admitted');
    await eventually(() => {
      const ofRoom = ({ type }: Told) => ['opened', 'position'].includes(type);
      expect(stream.told.find(({ type }) => type === 'welcome')).toMatchObject({ status: 'absent', resumed: false });
      expect(stream.told).toContainEqual(admitted);
      const last = socket.told.findLast(ofRoom);
      expect(stream.told).toContainEqual(last);
    });
    stream.leave();
    await stream.ended;
  });
});
