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

describe('joining over it', () => {
  it('gives one place to all connections of a user', async () => {
    const [phone, desk] = [await visit(buyer), await visit(buyer)];
    for (const one of [phone, desk]) {
      one.say({ type: 'join' });
      expect(await one.hears('place')).toMatchObject({ place: 1, position: 1, total: 1 });
    }
  });

  it('is refused by a room that takes nobody, with the refusal of the route', async () => {
    const visitor = await visit(buyer);
    await configure({ mode: 'drain' });
    visitor.say({ type: 'join' });
    expect(await visitor.hears('refused')).toMatchObject({
      request: 'join',
      error: { code: 'INVALID_STATE', details: { queue: 'drain' } },
    });
  });

  it('is not possible for an event that is none', async () => {
    const visitor = await visit(buyer, { eventId: randomUUID() });
    expect(await visitor.hears('goodbye')).toMatchObject({ why: 'unknown_event', reconnect_after_ms: null });
    expect(await visitor.ended).toBe(4404);
  });
});

it('a place is kept while its connection lives, and lost when it is gone for the grace', async () => {
  await configure({ grace: 1 });
  const visitor = await visit(buyer);
  visitor.say({ type: 'join' });
  const witness = await visit(rival);
  await rival.post('/queue/join', { event_id: sale.eventId });
  await witness.hears('position', ({ waiting }) => waiting === 2);
  // Several times the grace, told by the room's own ticks.
  for (let ticks = 0; ticks < 4; ticks++) await witness.hears('position', ({ waiting }) => waiting === 2);
  visitor.leave();
  await witness.hears('position', ({ waiting }) => waiting === 1);
});

it('what is left of the zones, and what becomes of one’s bookings, is told as it happens', async () => {
  await configure({ mode: 'off' });
  const [owner, other] = [await visit(buyer), await visit(rival)];
  for (const one of [owner, other]) one.say({ type: 'subscribe_availability' });
  const { available: before } = (await other.hears('availability')) as unknown as { available: number };
  const held = await buyer.hold({ event_id: sale.eventId, zone_id: sale.zoneId, quantity: 2 });
  await other.hears('availability', ({ zone_id, available }) => zone_id === sale.zoneId && available === before - 2);
  await buyer.cancel(held);
  await other.hears('availability', ({ available }) => available === before);
  const told = await owner.hears('booking');
  expect(told).toMatchObject({ booking_id: held, status: 'cancelled', quantity: 2, total_amount: expect.any(Number) });
  expect(other.told.filter(({ type }) => type === 'booking')).toEqual([]);
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
      // Each is told by itself, perhaps a millisecond later.
      expect(stream.told).toContainEqual({ ...admitted, server_time: expect.any(String) });
      const last = socket.told.findLast(ofRoom);
      expect(stream.told).toContainEqual(last);
    });
    stream.leave();
    await stream.ended;
  });
});
