/**
 * A small sale in real stores with everything an auditor looks at: a gate and a truth that took the same batches,
 * payments in our books, and the charges of a sandbox. At the end it is as it should be; tests then tamper with it.
 */
import { Redis } from 'ioredis';
import pg from 'pg';
import { takeOver } from '../actors/take-over.ts';
import { type AuditSources, audit } from '../auditor.ts';
import type { AckedBooking, AuditReport } from '../engine/audit.ts';
import type { BookingMove } from '../engine/booking.ts';
import type { Gate, ZoneLedger } from '../engine/ports.ts';
import type { RoomLedger } from '../engine/room-ledger.ts';
import { defaultTerms, termsText } from '../engine/waiting-room.ts';
import type { ReserveCommand, ZoneCommand } from '../engine/zone.ts';
import { openLane } from '../persistence/postgres/lane.ts';
import { createRoomLedger } from '../persistence/postgres/room-ledger.ts';
import { createZoneLedger } from '../persistence/postgres/zone-ledger.ts';
import { connectGate } from '../persistence/redis/connection.ts';
import { createGate } from '../persistence/redis/gate.ts';
import { readCharges } from '../providers/sandbox/charges.ts';
import { insertZone } from './contracts/catalogue.ts';
import { newId, reserveCommand } from './contracts/event-sample.ts';
import { entriesAfter, joinOf } from './contracts/room-ledger.ts';
import { payWithCard } from './sandbox-buyer.ts';
import { openShop, type Shop } from './sandbox-shop.ts';
import { openDatabase, openRedis } from './stores.ts';

const priceMinor = 250_000;

export interface AuditedSale {
  readonly database: pg.Pool;
  readonly redis: Redis;
  readonly shop: Shop;
  readonly eventId: string;
  readonly zoneId: string;
  readonly capacity: number;
  /** Bookings of two seats each, of one user each: the hold, the paid one, the one given back. */
  readonly reserved: ReserveCommand;
  readonly confirmed: ReserveCommand;
  readonly cancelled: ReserveCommand;
  /** What the buyers would have written down. */
  readonly acked: readonly AckedBooking[];
  /** Applies commands through gate and truth, as the zone's owner does. */
  batch(commands: readonly ZoneCommand[]): Promise<void>;
  /** Has the sandbox charge a card for a booking; our books are not told. */
  charge(bookingId: string, amountMinor?: number): Promise<string>;
  /** Of the whole sale, settled. */
  readonly sources: AuditSources;
  audit(over?: Partial<AuditSources>): Promise<AuditReport>;
  close(): Promise<void>;
}

export async function openSale(): Promise<AuditedSale> {
  const [{ url: databaseUrl, drop }, redisUrl, shop] = await Promise.all([openDatabase(), openRedis(), openShop()]);
  const database = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  // The database is dropped by force while the last connections of the pool still say goodbye.
  database.on('error', () => {});
  const redis = new Redis(redisUrl);
  const lane = openLane({ databaseUrl, name: 'audited', statementTimeoutMs: 10_000, connectTimeoutMs: 5_000 });
  const ledger = createZoneLedger({ commitLanes: [lane], lane, databaseUrl });
  const connection = connectGate(redisUrl, { commandTimeoutMs: 10_000, failed: () => {} });
  const stores = { gate: createGate(connection, Date.now), ledger };

  const [eventId, zoneId, capacity] = [newId(), newId(), 100];
  await insertZone(database, { eventId, zoneId, capacity, priceMinor, currency: 'THB', maxPerUser: 4 });
  const batch = await ownerOf(zoneId, stores);
  const reserve = () => reserveCommand({ quantity: 2, expiresAtMs: Date.now() + 600_000 });
  const [reserved, confirmed, cancelled] = [reserve(), reserve(), reserve()];
  await batch([reserved, confirmed, cancelled]);
  const charge = (bookingId: string, amountMinor = 2 * priceMinor) => pay(shop, { eventId, bookingId, amountMinor });
  await bookPayment(database, { eventId, booking: confirmed, intentId: await charge(confirmed.bookingId) });
  await batch([
    { kind: 'confirm', bookingId: confirmed.bookingId },
    { kind: 'cancel', bookingId: cancelled.bookingId },
  ]);
  await letOneIn(createRoomLedger({ lane, pool: database, now: Date.now }), eventId);
  // Tests tamper with what was told of the bookings.
  await database.query("delete from outbox where topic = 'queue-events'");
  await database.query('update outbox set published_at = now()');

  const ack = ({ bookingId, userId, quantity, key }: ReserveCommand, status: AckedBooking['status']): AckedBooking => ({
    bookingId,
    userId,
    eventId,
    zoneId,
    quantity,
    status,
    key,
  });
  const acked = [ack(reserved, 'reserved'), ack(confirmed, 'confirmed'), ack(cancelled, 'cancelled')];
  const sources: AuditSources = {
    databaseUrl,
    redisUrl,
    readCharges: () => readCharges(shop.sandbox.url),
    acked,
    eventId,
    settled: true,
  };
  return {
    ...{
      database,
      redis,
      shop,
      eventId,
      zoneId,
      capacity,
      reserved,
      confirmed,
      cancelled,
      acked,
      batch,
      charge,
      sources,
    },
    audit: (over) => audit({ ...sources, ...over }),
    async close() {
      connection.close();
      redis.disconnect();
      await Promise.all([lane.close(), database.end(), shop.sandbox.stop()]);
      await drop();
    },
  };
}

async function ownerOf(zoneId: string, stores: { readonly gate: Gate; readonly ledger: ZoneLedger }) {
  const owned = await takeOver(zoneId, stores, null);
  if (!owned) throw new Error('the zone is not there');
  const { lease, terms } = owned;
  let { version } = owned;
  return async (commands: readonly ZoneCommand[]) => {
    const batch = { lease, version, nowMs: Date.now() };
    const { maxPerUser } = terms;
    const gated = await stores.gate.apply({ ...batch, batchId: newId(), settled: [], maxPerUser, commands });
    if (!gated.ok || gated.answers.some((answer) => answer.result !== 'applied'))
      throw new Error(`the gate answered ${JSON.stringify(gated)}`);
    const made = commands.filter((command) => command.kind === 'reserve');
    const moved = commands
      .filter((command) => command.kind !== 'reserve')
      .map(({ bookingId, kind }) => ({ bookingId, move: kind as BookingMove, expiresAtMs: null }));
    const answer = await stores.ledger.commit({ ...batch, terms, made, moved });
    if (answer !== 'committed') throw new Error(`the truth answered ${answer}`);
    version++;
  };
}

/** Two people in the waiting room, of whom the first is let in. */
async function letOneIn(ledger: RoomLedger, eventId: string): Promise<void> {
  const room = await ledger.acquire(eventId);
  if (!room) throw new Error('the event is not there');
  const [first, second] = [joinOf(1), joinOf(2)];
  const configure = { kind: 'configure', detail: termsText({ ...defaultTerms, mode: 'open' }, 'test') } as const;
  const admit = { ...first, kind: 'admit', detail: String(Date.now()) } as const;
  const entries = entriesAfter([], [configure, first, second, admit]);
  const batch = { lease: room.lease, afterSeq: 0, entries, mode: 'open', accessCodes: null } as const;
  if ((await ledger.append(batch)) !== 'appended') throw new Error('the room has another owner');
}

async function pay(
  shop: Shop,
  order: { readonly eventId: string; readonly bookingId: string; readonly amountMinor: number },
): Promise<string> {
  const intent = await shop.open({ ...order, idempotencyKey: newId() });
  await payWithCard(shop.sandbox.url, intent.clientSecret, '4242424242424242');
  return intent.intentId;
}

/** Our books and the tickets, as a finished saga leaves them. */
async function bookPayment(
  database: pg.Pool,
  {
    eventId,
    booking,
    intentId,
  }: { readonly eventId: string; readonly booking: ReserveCommand; readonly intentId: string },
): Promise<void> {
  await database.query(
    `insert into payments (event_id, id, booking_id, user_id, provider, amount_minor, currency, status, intent_id,
                           client_secret, created_at, changed_at)
     values ($1, gen_random_uuid(), $2, $3, 'stripe', $4, 'THB', 'succeeded', $5, 's', now(), now())`,
    [eventId, booking.bookingId, booking.userId, booking.quantity * priceMinor, intentId],
  );
  await database.query(
    `insert into tickets (event_id, code, booking_id, zone_id, user_id, number, issued_at)
     select $1, gen_random_uuid(), $2, gen_random_uuid(), $3, number, now() from generate_series(1, $4) as number`,
    [eventId, booking.bookingId, booking.userId, booking.quantity],
  );
}
