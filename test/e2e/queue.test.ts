/** A sale behind its waiting room, over HTTP: places, passes, what is refused and why, and terms that change. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, type Buyer, buyerWith, eventually } from '../buyer.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest, tokenSecret } from '../node-under-test.ts';
import { type Configure, joinRoom, passOf, reserveWith, roomAdmin, standingOf } from '../room-visitor.ts';

let node: NodeUnderTest;
let configureAs: Configure;
let sale: OnSale;
let buyer: Buyer;
let rival: Buyer;

beforeAll(async () => {
  node = await startNodeUnderTest();
  configureAs = await roomAdmin(node.url);
});
beforeEach(async () => {
  sale = await node.putOnSale({ waitingRoom: 'open' });
  [buyer, rival] = (await node.crowd(2)) as [Buyer, Buyer];
});
afterAll(async () => {
  expect(await node.findings()).toEqual([]);
  await node.close();
});

const join = (who: Buyer) => joinRoom(who, sale);
const position = (who: Buyer) => standingOf(who, sale);
const letIn = (who: Buyer) => passOf(who, sale);
const reserve = (who: Buyer, token: string, more: { quantity?: number; key?: string } = {}) =>
  reserveWith(token, who, sale, more);
const statusOf = async (who: Buyer) => (await position(who)).data.status;
async function configure(terms: object): Promise<void> {
  const answer = await configureAs(terms, sale);
  expect(answer.status, answer.text).toBe(200);
}

const refusal = ({ status, error }: Answer<unknown>) => [status, error?.code, error?.details?.reason];

describe('a place in the queue', () => {
  it('is one for all tabs, exact, and given back', async () => {
    await configure({ mode: 'paused' });
    expect((await join(buyer)).status).toBe(201);
    const again = await join(buyer);
    expect([again.status, again.data.position]).toEqual([200, 1]);
    expect((await join(rival)).data).toMatchObject({ status: 'waiting', place: 2, position: 2, total: 2 });
    await buyer.post('/queue/leave', { event_id: sale.eventId });
    expect((await position(rival)).data).toMatchObject({ place: 2, position: 1, total: 1 });
    expect(refusal(await position(buyer))).toEqual([404, 'NOT_FOUND', undefined]);
  });

  it('is refused for an unknown event, for one without a room, and without a token', async () => {
    expect(refusal(await joinRoom(buyer, { eventId: randomUUID() }))).toEqual([404, 'NOT_FOUND', undefined]);
    const open = await node.putOnSale();
    expect(refusal(await joinRoom(buyer, open))).toEqual([409, 'INVALID_STATE', undefined]);
    const nobody = buyerWith(node.url, { userId: '', token: '' });
    expect(refusal(await join(nobody))).toEqual([401, 'UNAUTHORIZED', undefined]);
    expect(refusal(await buyer.ask(`/admin/queue/${sale.eventId}`, { method: 'PUT' }))).toEqual([
      403,
      'FORBIDDEN',
      undefined,
    ]);
  });
});

describe('a pass', () => {
  it('makes one booking, whose checkout frees the slot for the next', async () => {
    await configure({ max_concurrent: 1 });
    for (const who of [buyer, rival]) await join(who);
    const pass = await letIn(buyer);
    expect(await statusOf(rival)).toBe('waiting');
    const key = randomUUID();
    const held = await reserve(buyer, pass, { key });
    expect(held.status, held.text).toBe(201);
    expect(refusal(await reserve(buyer, pass))).toEqual([403, 'QUEUE_PASS_INVALID', 'used']);
    const replay = await reserve(buyer, pass, { key });
    expect([replay.status, replay.data.booking_id]).toEqual([201, held.data.booking_id]);
    expect(await statusOf(buyer)).toBe('checkout');
    expect(await statusOf(rival)).toBe('waiting');
    await buyer.cancel(held.data.booking_id);
    await letIn(rival);
    expect(refusal(await reserve(buyer, pass))).toEqual([403, 'QUEUE_PASS_INVALID', 'unknown']);
  });

  it('is given back when the reservation is refused', async () => {
    await join(buyer);
    const pass = await letIn(buyer);
    const tooMany = await reserve(buyer, pass, { quantity: 11 });
    expect(refusal(tooMany)).toEqual([409, 'MAX_PER_USER_EXCEEDED', undefined]);
    const held = await reserve(buyer, pass);
    expect(held.status, held.text).toBe(201);
  });

  it('is needed, and nobody else’s, for no other event, not for ever and not to be made up', async () => {
    await join(buyer);
    const pass = await letIn(buyer);
    const other = await node.putOnSale({ waitingRoom: 'open' });
    const [head = '', body = '', signature = ''] = pass.split('.');
    const header = JSON.parse(Buffer.from(head, 'base64url').toString());
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const { privateKey: foreignKey } = generateKeyPairSync('ed25519');
    const made = [
      `${encoded({ ...header, alg: 'none' })}.${body}.`,
      new UnsecuredJWT(claims).encode(),
      await new SignJWT(claims).setProtectedHeader({ ...header, alg: 'HS256' }).sign(Buffer.from(tokenSecret)),
      await new SignJWT(claims).setProtectedHeader(header).sign(foreignKey),
      `${head}.${encoded({ ...claims, sub: rival.userId })}.${signature}`,
      `${pass.slice(0, -4)}AAAA`,
      buyer.token,
      'x',
    ];
    expect(refusal(await reserve(buyer, ''))).toEqual([403, 'QUEUE_PASS_REQUIRED', undefined]);
    expect(refusal(await reserve(rival, pass))).toEqual([403, 'QUEUE_PASS_INVALID', 'another_user']);
    expect(refusal(await reserveWith(pass, buyer, other))).toEqual([403, 'QUEUE_PASS_INVALID', 'another_event']);
    for (const token of made)
      expect(refusal(await reserve(buyer, token)), token).toEqual([403, 'QUEUE_PASS_INVALID', 'forged']);
    expect((await reserve(buyer, pass)).status).toBe(201);
  });

  it('ends, and goes to the next', async () => {
    await configure({ max_concurrent: 1, pass_ttl: 1 });
    for (const who of [buyer, rival]) await join(who);
    const pass = await letIn(buyer);
    await letIn(rival);
    // Its own time is rounded up to a second.
    await eventually(async () =>
      expect(refusal(await reserve(buyer, pass))).toEqual([403, 'QUEUE_PASS_INVALID', 'expired']),
    );
  });

  it('opens nothing else', async () => {
    await join(buyer);
    const thief = buyerWith(node.url, { userId: buyer.userId, token: await letIn(buyer) });
    expect((await thief.ask('/bookings')).status).toBe(401);
  });
});

describe('the terms of a room', () => {
  // An answer says that what was asked is done, and everything that follows from it: nothing here waits for a tick.
  it('pause and open it at once', async () => {
    await configure({ max_concurrent: 1 });
    for (const who of [buyer, rival]) await join(who);
    expect(await statusOf(buyer)).toBe('admitted');
    await configure({ mode: 'paused' });
    await buyer.post('/queue/leave', { event_id: sale.eventId });
    expect(await statusOf(rival)).toBe('waiting');
    await configure({ mode: 'open' });
    expect(await statusOf(rival)).toBe('admitted');
  });

  it('let more people in at once when there may be more', async () => {
    await configure({ max_concurrent: 1 });
    const crowd = await node.crowd(5);
    for (const who of crowd) await join(who);
    const statuses = () => Promise.all(crowd.map(statusOf));
    expect(await statuses()).toEqual(['admitted', 'waiting', 'waiting', 'waiting', 'waiting']);
    await configure({ max_concurrent: 4 });
    expect(await statuses()).toEqual(['admitted', 'admitted', 'admitted', 'admitted', 'waiting']);
  });
});
