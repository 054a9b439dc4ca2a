/** A node that is killed in the middle of a saga: the next one goes on from there, and nothing is done twice. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Buyer, eventually } from '../buyer.ts';
import { type NodeUnderTest, type OnSale, startNodeUnderTest } from '../node-under-test.ts';
import { payWithCard } from '../sandbox-buyer.ts';

let node: NodeUnderTest;
let buyer: Buyer;
let sale: OnSale;

beforeAll(async () => {
  const environment = { HOLD_TTL_SECONDS: '60', PAYMENT_GRACE_SECONDS: '120' };
  node = await startNodeUnderTest(environment, { ownProcess: true });
  sale = await node.putOnSale({ maxPerUser: 100 });
  buyer = await node.newBuyer();
});
afterAll(async () => {
  expect(await node.findings()).toEqual([]);
  await node.close();
});

const order = ({ eventId, zoneId } = sale) => ({ event_id: eventId, zone_id: zoneId, quantity: 2 });
const card = (clientSecret: string) => payWithCard(node.shop.sandbox.url, clientSecret, '4242424242424242');
/** What nobody hears any more: the node dies before it can answer. */
const unheard = (asked: Promise<unknown>) => asked.catch(() => null);

/** Holds on to rows or a table, so that whoever needs them next waits; resolves with what lets them go. */
async function locked(statement: string): Promise<() => Promise<void>> {
  const client: pg.PoolClient = await node.database.connect();
  await client.query('begin');
  await client.query(statement);
  return async () => {
    await client.query('rollback');
    client.release();
  };
}

const lockZone = () => locked(`select from zones where id = '${sale.zoneId}' for update`);
const lockTable = (table: string) => locked(`lock table ${table} in exclusive mode`);
/** How the statements begin that commit a batch of a zone, the events of sagas, and tickets. */
const [zoneCommit, journalAppend, ticketInsert] = [
  'join zones z on z.event_id',
  'insert into actor_events',
  'insert into tickets',
];

/** Resolves when the node waits for a lock with such a statement. */
function nodeWaits(statement: string): Promise<void> {
  const text = `
    select 1 from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and position($1 in query) > 0`;
  return eventually(async () => expect((await node.database.query(text, [statement])).rowCount).toBe(1));
}

/** Kills the node when its zone has committed what `act` leads to, and the saga has not written that down yet. */
async function killBetweenZoneAndJournal(act: () => Promise<unknown>): Promise<void> {
  const freeZone = await lockZone();
  const acted = unheard(act());
  await nodeWaits(zoneCommit);
  const freeJournal = await lockTable('actor_events');
  await freeZone();
  await nodeWaits(journalAppend);
  await node.kill();
  await freeJournal();
  await acted;
}

async function expectOneSale(bookingId: string): Promise<void> {
  await buyer.sees(bookingId, 'confirmed');
  await eventually(async () => expect(await buyer.tickets(bookingId)).toHaveLength(2));
  expect(await node.chargesOf(bookingId)).toMatchObject([{ amount: 300_000, refunded: 0 }]);
  const story = (await buyer.timeline(bookingId)).map(({ what }) => what);
  for (const once of ['payment-succeeded', 'booking-confirmed', 'tickets-issued'])
    expect(story.filter((what) => what === once)).toEqual([once]);
}

/** A hold whose payment was made while the node was not to hear of it yet. */
async function paying() {
  const bookingId = await buyer.hold(order());
  const { client_secret } = (await buyer.pay(bookingId)).data;
  return { bookingId, clientSecret: client_secret };
}

describe('killed', () => {
  it('after the hold was extended, before it was written down: it is extended once', async () => {
    const key = 'extended, then killed';
    const held = await buyer.reserve(order(), key);
    const { booking_id } = held.data;
    await killBetweenZoneAndJournal(() => buyer.pay(booking_id));
    await node.start();
    const { data } = await buyer.pay(booking_id);
    expect((await buyer.reserve(order(), key)).text).toBe(held.text);
    await card(data.client_secret);
    await expectOneSale(booking_id);
  });

  it('after the provider made the intent, before we heard: the same one is found again', async () => {
    const bookingId = await buyer.hold(order());
    const kept = node.line.keepAnswer(/^\/v1\/payment_intents$/);
    const asked = unheard(buyer.pay(bookingId));
    const { text } = await kept;
    await node.kill();
    await asked;
    await node.start();
    const { data } = await buyer.pay(bookingId);
    expect(data.client_secret).toBe(JSON.parse(text).client_secret);
    await card(data.client_secret);
    await expectOneSale(bookingId);
  });

  it('while the payment is made: the webhook finds the next node', async () => {
    const { bookingId, clientSecret } = await paying();
    await node.kill();
    await card(clientSecret);
    await node.start();
    await expectOneSale(bookingId);
  });

  it('while the payment is made, and the webhook is lost: confirm finds it', async () => {
    const { bookingId, clientSecret } = await paying();
    await node.kill();
    await node.shop.setFaults({ drop: true });
    await card(clientSecret);
    await node.start();
    expect((await buyer.confirm(bookingId)).status).toBe(200);
    await expectOneSale(bookingId);
  });

  it('before the booking is confirmed', async () => {
    const { bookingId, clientSecret } = await paying();
    const freeZone = await lockZone();
    await card(clientSecret);
    await nodeWaits(zoneCommit);
    await node.kill();
    await freeZone();
    await node.start();
    await expectOneSale(bookingId);
  });

  it('after the booking is confirmed, before that is written down', async () => {
    const { bookingId, clientSecret } = await paying();
    await killBetweenZoneAndJournal(() => card(clientSecret));
    await node.start();
    await expectOneSale(bookingId);
  });

  it('while the tickets are issued', async () => {
    const { bookingId, clientSecret } = await paying();
    const freeTickets = await lockTable('tickets');
    await card(clientSecret);
    await nodeWaits(ticketInsert);
    await node.kill();
    await freeTickets();
    await node.start();
    await expectOneSale(bookingId);
  });

  it('after the saga took a notice, before that was marked: it counts once', async () => {
    const { bookingId, clientSecret } = await paying();
    await node.database.query(`
      create function wait_for_test() returns trigger language plpgsql as
        $$ begin perform pg_advisory_xact_lock(1); return new; end $$;
      create trigger wait_for_test before update on outbox for each row execute function wait_for_test()`);
    const free = await locked('select pg_advisory_xact_lock(1)');
    await payWithCard(node.shop.sandbox.url, clientSecret, '4000000000009995');
    await nodeWaits('update outbox');
    await eventually(async () => expect((await buyer.timeline(bookingId)).at(-1)?.what).toBe('payment-failed'));
    await node.kill();
    // The session of a dead node would still mark what it waits to mark.
    await node.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where position('update outbox' in query) = 1`,
    );
    await free();
    await node.database.query('drop trigger wait_for_test on outbox');
    await node.start();
    await card(clientSecret);
    await expectOneSale(bookingId);
    const declined = (await buyer.timeline(bookingId)).filter(({ what }) => what === 'payment-failed');
    expect(declined).toHaveLength(1);
  });

  it('after the money went back, before we heard: it goes back once', async () => {
    const bookingId = await buyer.hold(order());
    const { client_secret } = (await buyer.pay(bookingId)).data;
    await buyer.cancel(bookingId);
    const kept = node.line.keepAnswer(/^\/v1\/refunds$/);
    await card(client_secret);
    await kept;
    await node.kill();
    await node.start();
    await buyer.sees(bookingId, 'refunded');
    expect(await node.chargesOf(bookingId)).toMatchObject([{ amount: 300_000, refunded: 300_000 }]);
  });
});

it('stopped with SIGTERM, it ends', async () => {
  await node.stop();
  await node.start();
});
