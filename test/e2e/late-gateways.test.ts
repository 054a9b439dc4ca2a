/**
 * Money that came through a provider's page while nobody listened, or after the seats were given back: the seats again,
 * or the money back, by hand where it must be.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { signAccessToken } from '../../http/auth.ts';
import { type Buyer, buyerWith, eventually } from '../buyer.ts';
import { decideAt } from '../gateway-buyer.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest, tokenSecret } from '../node-under-test.ts';

let node: NodeUnderTest;
let buyer: Buyer;
let sale: OnSale;

const price = 150_000;
const gateways = ['vnpay', 'zalopay', 'payos'] as const;

async function paying(provider: string) {
  const bookingId = await buyer.hold({ event_id: sale.eventId, zone_id: sale.zoneId, quantity: 1 });
  const { redirect_url: page } = (await buyer.pay(bookingId, { provider })).data;
  return { bookingId, page };
}

describe('a hold that ended while the node was away', () => {
  beforeAll(async () => {
    node = await startNodeUnderTest({ HOLD_TTL_SECONDS: '5', PAYMENT_GRACE_SECONDS: '0.1' });
    buyer = await node.newBuyer();
    sale = await node.putOnSale({ currency: 'VND' });
  });
  afterAll(async () => {
    expect(await node.findings()).toEqual([]);
    await node.close();
  });

  it.each(gateways)('and was paid at %s gets its seats', async (provider) => {
    const { bookingId, page } = await paying(provider);
    const { expires_at } = (await buyer.booking(bookingId)).data;
    await node.stop();
    await decideAt(page, 'approve');
    await eventually(() => expect(Date.now()).toBeGreaterThan(Date.parse(expires_at)));
    await node.start();
    await buyer.sees(bookingId, 'confirmed');
    expect(await node.chargesOf(bookingId)).toMatchObject([{ amount: price, refunded: 0 }]);
  });
});

describe('a booking that was cancelled after it was paid, before we heard of it,', () => {
  beforeAll(async () => {
    node = await startNodeUnderTest();
    buyer = await node.newBuyer();
    sale = await node.putOnSale({ currency: 'VND' });
  });
  afterEach(() => node.shop.setFaults({}));
  afterAll(async () => {
    expect(await node.findings()).toEqual([]);
    await node.close();
  });

  async function cancelledAfterPaying(provider: string): Promise<string> {
    const { bookingId, page } = await paying(provider);
    await node.shop.setFaults({ drop: true });
    await decideAt(page, 'approve');
    expect((await buyer.cancel(bookingId)).status).toBe(200);
    return bookingId;
  }

  it.each(['vnpay', 'zalopay'])('gets its money back from %s, once', async (provider) => {
    const bookingId = await cancelledAfterPaying(provider);
    await buyer.sees(bookingId, 'refunded');
    expect(await node.chargesOf(bookingId)).toMatchObject([{ amount: price, refunded: price }]);
  });

  const declare = (who: Buyer, bookingId: string) =>
    who.post(`/admin/bookings/${bookingId}/refund-by-hand`, { reference: 'transfer 42' });

  it('waits at PayOS for a person who sends the money and says so', async () => {
    const bookingId = await cancelledAfterPaying('payos');
    await eventually(async () => {
      const saga = 'select step, error from saga_instances where booking_id = $1';
      const { rows } = await node.database.query(saga, [bookingId]);
      expect(rows).toMatchObject([{ step: 'refund', error: expect.stringContaining('send back 150000 VND') }]);
    });
    expect((await buyer.booking(bookingId)).data.status).toBe('cancelled');

    const [charge] = (await node.shop.charges()).filter((each) => each.booking_id === bookingId);
    await fetch(`${node.shop.sandbox.url}/payos/returned/${charge?.payment_intent}`, { method: 'POST' });
    expect((await declare(buyer, bookingId)).status).toBe(403);
    const admin = await administrator();
    expect((await declare(admin, bookingId)).status).toBe(200);
    expect((await declare(admin, bookingId)).status).toBe(200);
    await buyer.sees(bookingId, 'refunded');
    const { rows } = await node.database.query('select * from refunds where booking_id = $1', [bookingId]);
    expect(rows).toMatchObject([{ provider_refund_id: 'by hand: transfer 42' }]);
  });

  it('cannot be declared where nothing is owed', async () => {
    expect((await declare(await administrator(), randomUUID())).error.code).toBe('INVALID_STATE');
  });
});

async function administrator(): Promise<Buyer> {
  const user = { id: randomUUID(), role: 'admin', tokenId: randomUUID() } as const;
  const token = await signAccessToken(tokenSecret, user, { nowMs: Date.now(), ttlSeconds: 900 });
  return buyerWith(node.url, { userId: user.id, token });
}
