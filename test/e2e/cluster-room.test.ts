/** A waiting room on another node than the one its visitors are connected to: what they are told, and when it is killed. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Buyer, eventually } from '../buyer.ts';
import { type LiveVisitor, visitLive } from '../live-visitor.ts';
import type { NodeProcess } from '../node-process.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest } from '../node-under-test.ts';
import { adminOf, type Configure, joinRoom, roomAdmin, standingOf, verifiedLog } from '../room-visitor.ts';

const graceSeconds = 3;

let node: NodeUnderTest;
let other: NodeProcess;
let admin: Buyer;
let configure: Configure;
let sale: OnSale;
const visitors: LiveVisitor[] = [];

beforeAll(async () => {
  node = await startNodeUnderTest();
  other = await node.addNode('node-2');
  admin = await adminOf(node.url);
  configure = await roomAdmin(node.url);
  sale = await eventually(async () => {
    const made = await node.putOnSale({ waitingRoom: 'open' });
    await configure({ mode: 'paused', max_concurrent: 1, grace: graceSeconds }, made);
    expect(await roomsOf('node-2')).toContain(made.eventId);
    return made;
  });
});
afterAll(async () => {
  for (const one of visitors) one.leave();
  await other.stop();
  expect(await node.findings()).toEqual([]);
  await node.close();
});

async function roomsOf(nodeId: string): Promise<readonly string[]> {
  const { data } = await admin.ask<{ nodes: { node_id: string; rooms: string[] }[] }>('/admin/cluster');
  return data.nodes.find((one) => one.node_id === nodeId)?.rooms ?? [];
}

async function visit(who: Buyer): Promise<LiveVisitor> {
  const visitor = await visitLive({ url: node.url(), eventId: sale.eventId, token: who.token });
  visitors.push(visitor);
  await visitor.hears('welcome');
  return visitor;
}

it('tells those who are connected elsewhere what becomes of their bookings', async () => {
  await configure({ mode: 'off' }, sale);
  const [buyer] = (await node.crowd(1)) as [Buyer];
  const visitor = await visit(buyer);
  const held = await buyer.hold({ event_id: sale.eventId, zone_id: sale.zoneId, quantity: 1 });
  await buyer.cancel(held);
  expect(await visitor.hears('booking')).toMatchObject({ booking_id: held, status: 'cancelled' });
  await configure({ mode: 'paused' }, sale);
});

it('keeps the places of those who are connected elsewhere when its node is killed', { timeout: 90_000 }, async () => {
  const crowd = await node.crowd(20);
  const live = new Map<Buyer, LiveVisitor>();
  for (const one of crowd) {
    live.set(one, await visit(one));
    expect((await joinRoom(one, sale)).status).toBe(201);
  }
  const [first, gone, witness] = crowd as [Buyer, Buyer, Buyer];
  const sees = async (fits: (waiting: number) => boolean) =>
    live.get(witness)?.hears('position', ({ waiting }) => fits(waiting as number));
  await sees((waiting) => waiting === crowd.length);
  await other.kill();
  await eventually(async () => expect(await roomsOf('node-1')).toContain(sale.eventId));
  // Several times the grace, told by the new owner's ticks.
  for (let ticks = 0; ticks < 3 * graceSeconds; ticks++) await sees(() => true);
  await sees((waiting) => waiting === crowd.length);
  live.get(gone)?.leave();
  await sees((waiting) => waiting === crowd.length - 1);
  expect((await standingOf(crowd.at(-1) as Buyer, sale)).data).toMatchObject({ place: 20, position: 19 });

  await configure({ mode: 'open' }, sale);
  expect(await live.get(first)?.hears('admitted')).toMatchObject({ queue_pass: expect.stringMatching(/^ey/) });
  const { code, said } = await verifiedLog(first, sale);
  expect(said).toContain('fair: the chain is whole');
  expect(code).toBe(0);
});
