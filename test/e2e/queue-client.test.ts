/** The pages' own client of the waiting room, in Node, against a whole node. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { signAccessToken } from '../../http/auth.ts';
import { freePorts } from '../../persistence/embedded/ports.ts';
import type { News } from '../../web/queue/line.ts';
import { followQueue, pauseAfter, type QueueOptions, spreadOver } from '../../web/queue-client.ts';
import { type Buyer, buyerWith, eventually } from '../buyer.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest, tokenSecret } from '../node-under-test.ts';

/** With the constructor of browsers: the package's own takes more. */
class BrowserSocket extends WebSocket {
  constructor(address: string, protocols: string[]) {
    super(address, protocols);
  }
}

type Shown = Parameters<QueueOptions['show']>;

let node: NodeUnderTest;
let withoutLive: NodeUnderTest;
let admin: Buyer;
const ends: (() => void)[] = [];

beforeAll(async () => {
  const [port] = await freePorts(1);
  node = await startNodeUnderTest({ PORT: String(port) });
  withoutLive = await startNodeUnderTest({ LIVE_CONNECTIONS_MAX: '0' });
});
afterAll(async () => {
  for (const end of ends) end();
  await Promise.all([node.close(), withoutLive.close()]);
});

let sale: OnSale;
let rival: Buyer;
let buyer: Buyer;
async function openOn(shop: NodeUnderTest): Promise<void> {
  const user = { id: randomUUID(), role: 'admin', tokenId: randomUUID() } as const;
  const token = await signAccessToken(tokenSecret, user, { nowMs: Date.now(), ttlSeconds: 900 });
  admin = buyerWith(shop.url, { userId: user.id, token });
  sale = await shop.putOnSale({ waitingRoom: 'open' });
  [rival, buyer] = (await shop.crowd(2)) as [Buyer, Buyer];
  await configure({ mode: 'paused', max_concurrent: 1 });
  for (const who of [rival, buyer])
    expect((await who.post('/queue/join', { event_id: sale.eventId })).status).toBe(201);
}
beforeEach(() => openOn(node));

async function configure(terms: object): Promise<void> {
  const headers = { 'Content-Type': 'application/json' };
  const path = `/admin/queue/${sale.eventId}`;
  // A room that is just being taken over may ask to come again.
  await eventually(async () => {
    const answer = await admin.ask(path, { method: 'PUT', headers, body: JSON.stringify(terms) });
    expect(answer.status, answer.text).toBe(200);
  });
}

function follow(shop: NodeUnderTest, given: Partial<QueueOptions> = {}): Shown[] {
  const shown: Shown[] = [];
  const end = followQueue({
    origin: shop.url(),
    eventId: sale.eventId,
    token: async () => buyer.token,
    tokenRefused: () => {},
    show: (...one) => void shown.push(one),
    lost: () => {},
    WebSocket: BrowserSocket,
    chance: () => 0,
    ...given,
  });
  ends.push(end);
  return shown;
}

function last(shown: readonly Shown[]) {
  const [answer, over] = shown.at(-1) ?? [];
  return { over, ...(answer?.ok ? answer.value.place : answer?.refusal), mode: answer?.ok && answer.value.room.mode };
}

describe.each([
  ['socket', () => node, {}],
  ['stream', () => node, { WebSocket: null }],
  ['polling', () => withoutLive, {}],
] as const)('over a %s', (over, shop, given) => {
  it('one sees where one stands, that the line stops and moves, and gets the pass', async () => {
    await openOn(shop());
    const news: News[] = [];
    const shown = follow(shop(), { ...given, availability: true, news: (one) => void news.push(one) });
    await eventually(() => expect(last(shown)).toMatchObject({ over, status: 'waiting', position: 2, mode: 'paused' }));
    await eventually(() =>
      expect(news).toContainEqual(expect.objectContaining({ type: 'availability', zone_id: sale.zoneId })),
    );
    await rival.post('/queue/leave', { event_id: sale.eventId });
    await eventually(() => expect(last(shown)).toMatchObject({ position: 1, total: 1 }));
    await configure({ mode: 'open' });
    await eventually(() =>
      expect(last(shown)).toMatchObject({ over, status: 'admitted', queue_pass: expect.stringMatching(/^ey/) }),
    );
  });
});

it('goes on where it was when the node starts anew', async () => {
  const shown = follow(node);
  await eventually(() => expect(last(shown)).toMatchObject({ over: 'socket', position: 2 }));
  await node.stop();
  await node.start();
  const before = shown.length;
  await eventually(() => expect(shown.length).toBeGreaterThan(before));
  expect(last(shown)).toMatchObject({ status: 'waiting', place: 2, position: 2 });
  await rival.post('/queue/leave', { event_id: sale.eventId });
  await eventually(() => expect(last(shown)).toMatchObject({ position: 1 }));
});

it('gets another token when one is refused, and gives up with the second', async () => {
  let token = 'made.up.token';
  const renewed = follow(node, {
    token: async () => token,
    tokenRefused: (which) => {
      expect(which).toBe(token);
      token = buyer.token;
    },
  });
  await eventually(() => expect(last(renewed)).toMatchObject({ status: 'waiting', position: 2 }));
  const stranger = follow(node, { token: async () => 'made.up.token' });
  await eventually(() => expect(last(stranger)).toMatchObject({ code: 'UNAUTHORIZED' }));
  const loggedOut = follow(node, { token: async () => null });
  await eventually(() => expect(last(loggedOut)).toMatchObject({ code: 'UNAUTHORIZED' }));
});

it('says that there is no such event', async () => {
  const shown = follow(node, { eventId: randomUUID() });
  await eventually(() => expect(last(shown)).toMatchObject({ code: 'NOT_FOUND' }));
});

it('says that nothing gets through, and tries on', async () => {
  const lost: number[] = [];
  const [nobody] = await freePorts(1);
  follow(node, { origin: `http://127.0.0.1:${nobody}`, lost: (ms) => void lost.push(ms) });
  await eventually(() => expect(lost.length).toBeGreaterThan(0));
});

it('waits longer each time, and not as long as the others', () => {
  expect([1, 2, 3].map((failures) => pauseAfter(failures, 1))).toEqual([1_000, 2_000, 4_000]);
  expect(pauseAfter(9, 1)).toBe(10_000);
  expect(pauseAfter(9, 0)).toBe(5_000);
  expect([0, 1].map((chance) => spreadOver(4, chance))).toEqual([4_000, 6_000]);
});
