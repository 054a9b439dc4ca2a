/** Reservations that must be refused, and that leave nothing behind. */
import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signAccessToken } from '../../http/auth.ts';
import { type Buyer, buyerWith } from '../buyer.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest, tokenSecret } from '../node-under-test.ts';

let node: NodeUnderTest;
let sale: OnSale;
let buyer: Buyer;

beforeAll(async () => {
  node = await startNodeUnderTest();
  sale = await node.putOnSale();
  buyer = await node.newBuyer();
});
afterAll(async () => {
  const { rows } = await node.database.query('select count(*)::int as bookings from bookings');
  expect(rows).toEqual([{ bookings: 0 }]);
  expect(await node.findings()).toEqual([]);
  await node.close();
});

const order = ({ eventId, zoneId } = sale) => ({ event_id: eventId, zone_id: zoneId, quantity: 1 });

/** A body as it comes, under a key of its own. */
const send = (body: string, headers: Record<string, string> = {}) =>
  buyer.ask('/bookings/reserve', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID(), ...headers },
    body,
  });

describe('a body', () => {
  it.each(['', '{', '[]', 'null', '"order"', '{"event_id":}', '\u0000'])('that is no order: %j', async (body) => {
    const refused = await send(body);
    expect([refused.status, refused.error.code]).toEqual([400, 'VALIDATION_ERROR']);
  });

  it.each([0, -1, 1.5, 1e9, 2 ** 53, 1_001, '2', '1', null, true, [1], { $gt: 0 }, undefined])(
    'with the quantity %j',
    async (quantity) => {
      const refused = await send(JSON.stringify({ ...order(), quantity }));
      expect([refused.status, refused.error.code]).toEqual([400, 'VALIDATION_ERROR']);
      expect(Object.keys(refused.error.details)).toEqual(['quantity']);
    },
  );

  it.each([
    ['event_id', 'not a uuid'],
    ['event_id', 42],
    ['zone_id', "' or 1 = 1 --"],
    ['zone_id', null],
    ['zone_id', ['11111111-1111-4111-8111-111111111111']],
    ['show_id', ''],
  ])('whose %s is %j', async (field, value) => {
    const refused = await send(JSON.stringify({ ...order(), [field]: value }));
    expect([refused.status, refused.error.code]).toEqual([400, 'VALIDATION_ERROR']);
    expect(Object.keys(refused.error.details)).toEqual([field]);
  });

  it.each(['price', 'amount', 'status', 'user_id', 'expires_at', '__proto__'])(
    'with the field %s, which is not the client’s to set',
    async (field) => {
      const refused = await send(JSON.stringify({ ...order() }).replace('{', `{"${field}":1,`));
      expect([refused.status, refused.error.code]).toEqual([400, 'VALIDATION_ERROR']);
      expect(refused.error.details).toEqual({ [field]: 'unknown field' });
    },
  );

  it('with a number that reads as whole only after rounding', async () => {
    const refused = await send(JSON.stringify(order()).replace('"quantity":1', '"quantity":1.0000000000000002'));
    expect([refused.status, refused.error.code]).toEqual([400, 'VALIDATION_ERROR']);
  });

  it('that is too large', async () => {
    const refused = await send(JSON.stringify({ ...order(), unit_price: 'x'.repeat(17_000) }));
    expect([refused.status, refused.error.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });

  it('that says it is something else', async () => {
    const refused = await send(JSON.stringify(order()), { 'Content-Type': 'application/x-www-form-urlencoded' });
    expect([refused.status, refused.error.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });
});

describe('a caller', () => {
  const user = { id: randomUUID(), role: 'user', tokenId: randomUUID() } as const;
  const life = { nowMs: Date.now(), ttlSeconds: 900 };
  const text = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const unsigned = `${text({ alg: 'none', typ: 'at+jwt' })}.${text({ sub: user.id, role: 'admin', exp: 4e9 })}.`;
  const hs512 = () => {
    const claims = { sub: user.id, jti: 'j', role: 'user', iss: 'onsale', aud: 'onsale-api', iat: 1, exp: 4e9 };
    const body = `${text({ alg: 'HS512', typ: 'at+jwt' })}.${text(claims)}`;
    return `${body}.${createHmac('sha512', tokenSecret).update(body).digest('base64url')}`;
  };

  it.each([
    ['no token', async () => ''],
    ['no token at all in it', async () => 'nonsense'],
    ['a token without a signature', async () => unsigned],
    ['a token by another algorithm', async () => hs512()],
    ['a token by another secret', () => signAccessToken('another secret of at least 32 bytes', user, life)],
    ['an expired token', () => signAccessToken(tokenSecret, user, { nowMs: Date.now() - 960_000, ttlSeconds: 900 })],
  ])('with %s', async (_, make) => {
    const refused = await buyerWith(node.url, { userId: user.id, token: await make() }).reserve(order());
    expect([refused.status, refused.error.code]).toEqual([401, 'UNAUTHORIZED']);
  });

  it('with a token that one bit was changed of', async () => {
    const at = buyer.token.lastIndexOf('.') + 5;
    const changed = buyer.token[at] === 'A' ? 'B' : 'A';
    const token = `${buyer.token.slice(0, at)}${changed}${buyer.token.slice(at + 1)}`;
    expect((await buyerWith(node.url, { userId: buyer.userId, token }).reserve(order())).status).toBe(401);
  });
});

describe('a sale', () => {
  const refusalOf = async (here: OnSale, change: string) => {
    await node.database.query(change, [here.eventId]);
    const { status, error } = await buyer.reserve(order(here));
    return { status, code: error.code, details: error.details };
  };

  it('of a zone that nobody has', async () => {
    const refused = await buyer.reserve({ ...order(), zone_id: randomUUID() });
    expect([refused.status, refused.error.code]).toEqual([404, 'NOT_FOUND']);
  });

  it('of a zone of another event', async () => {
    const elsewhere = await node.putOnSale();
    const refused = await buyer.reserve({ ...order(), zone_id: elsewhere.zoneId });
    expect([refused.status, refused.error.code]).toEqual([404, 'NOT_FOUND']);
  });

  it('that has not started', async () => {
    const change = `update shows set sale_start_at = '2199-01-01T00:00:00.250Z', sale_end_at = '2199-02-01' where event_id = $1`;
    const details = { sale_start_at: '2199-01-01T00:00:00.250Z' };
    expect(await refusalOf(await node.putOnSale(), change)).toEqual({ status: 403, code: 'SALE_NOT_STARTED', details });
  });

  it('that is over', async () => {
    const change = 'update shows set sale_end_at = now() where event_id = $1';
    expect(await refusalOf(await node.putOnSale(), change)).toMatchObject({ status: 403, code: 'SALE_ENDED' });
  });

  it('of an event that is not published', async () => {
    const change = `update events set status = 'approved' where id = $1`;
    expect(await refusalOf(await node.putOnSale(), change)).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });

  it('behind a waiting room, without a pass', async () => {
    const here = await node.putOnSale({ waitingRoom: 'open' });
    const refused = await buyer.reserve(order(here));
    expect([refused.status, refused.error.code]).toEqual([403, 'QUEUE_PASS_REQUIRED']);
  });

  it('of named seats, by the number', async () => {
    const change = `update zones set kind = 'seated' where event_id = $1`;
    expect(await refusalOf(await node.putOnSale(), change)).toMatchObject({ status: 400, code: 'VALIDATION_ERROR' });
  });
});
