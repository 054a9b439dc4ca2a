/** The connections of one node and everything that is kept behind them, opened together and closed together. */
import type pg from 'pg';
import type { Booking } from '../engine/booking.ts';
import type { EventConsumer, Outbox, RelayLock } from '../engine/event-log.ts';
import type { Register } from '../engine/membership.ts';
import type { Inventory, OperatorReads } from '../engine/operator.ts';
import type { Gate, Journal, SagaView, ZoneLedger } from '../engine/ports.ts';
import type { BookingReads, PaymentReads, RefundReads, TicketReads } from '../engine/reads.ts';
import type { RoomLedger } from '../engine/room-ledger.ts';
import { createInventory } from './inventory.ts';
import { createAnalytics } from './postgres/analytics.ts';
import { createBookingReads } from './postgres/booking-reads.ts';
import { findBookings } from './postgres/bookings.ts';
import { tellInventory } from './postgres/inventory-news.ts';
import { createJournal } from './postgres/journal.ts';
import { openLane } from './postgres/lane.ts';
import { createNotifier } from './postgres/notifications.ts';
import { createOperatorReads } from './postgres/operator-reads.ts';
import { createOutbox } from './postgres/outbox.ts';
import { openPool } from './postgres/pool.ts';
import { createRefundReads } from './postgres/refund-reads.ts';
import { createRelayLock } from './postgres/relay-lock.ts';
import { createRoomLedger } from './postgres/room-ledger.ts';
import { findUnsafePostgres } from './postgres/safety.ts';
import { createSagaView } from './postgres/saga-view.ts';
import { createPaymentReads, createTicketReads } from './postgres/ticket-reads.ts';
import { createWebhookInbox, type StoreNotice } from './postgres/webhook-inbox.ts';
import { createZoneLedger, zonesWithHolds } from './postgres/zone-ledger.ts';
import { connectGate, type GateConnection } from './redis/connection.ts';
import { createGate } from './redis/gate.ts';
import { connectRateLimits, type RateLimitStore } from './redis/rate-limits.ts';
import { createRegister, type RegisterOptions } from './redis/register.ts';
import { findUnsafeRedis } from './redis/safety.ts';
import type { UnsafeSetting } from './unsafe-setting.ts';

export interface StoreAddresses {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

export interface NodeStores {
  readonly pool: pg.Pool;
  /** Null: no rate limits. */
  readonly rateLimits: RateLimitStore | null;
  readonly gateConnection: GateConnection;
  readonly gate: Gate;
  /** Of the nodes of a cluster. */
  openRegister(options: RegisterOptions): Register;
  readonly ledger: ZoneLedger;
  readonly rooms: RoomLedger;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly relayLock: RelayLock;
  /** Those that keep what they learn in the stores. */
  readonly consumers: readonly EventConsumer[];
  tellInventory(): Promise<void>;
  readonly sagas: SagaView;
  readonly bookings: BookingReads;
  findBookings(named: readonly Pick<Booking, 'eventId' | 'bookingId'>[]): Promise<readonly Booking[]>;
  readonly payments: PaymentReads;
  readonly refunds: RefundReads;
  readonly operator: OperatorReads;
  readonly inventory: Inventory;
  readonly tickets: TicketReads;
  readonly storeNotice: StoreNotice;
  /** Zones that must be owned at start, because their holds will run out. */
  zonesWithHolds(): Promise<readonly string[]>;
  /** What the promises need and the stores do not give. */
  unsafeSettings(): Promise<readonly UnsafeSetting[]>;
  close(): Promise<void>;
}

/** The gate's batches are small: one that takes longer than this is as good as lost. */
const redisTimeoutMs = 1_000;
/** At start, when Redis may be starting, too. */
const firstConnectWaitMs = 5_000;
const poolTimeoutMs = 10_000;
const poolConnectionsMax = 8;
/** Events spread over two connections: one commits while the other's answer is on its way. */
const lanes = 2;

export interface StoreOptions extends StoreAddresses {
  readonly rateLimits: boolean;
  /** A commit that takes longer is as good as lost. */
  readonly commitTimeoutMs: number;
  /** Told of connections that fail; they come back by themselves. */
  readonly failed: (store: string, error: Error) => void;
  readonly now: () => number;
}

/** Rejects when Redis cannot be reached. */
export async function connectStores({
  databaseUrl,
  redisUrl,
  rateLimits,
  commitTimeoutMs,
  failed,
  now,
}: StoreOptions): Promise<NodeStores> {
  const redisOptions = { commandTimeoutMs: redisTimeoutMs, failed: (error: Error) => failed('Redis', error) };
  // First, for it is the only one that may reject: nothing else is open then.
  const limits = rateLimits ? await connectRateLimits(redisUrl, redisOptions) : null;
  const gateConnection = connectGate(redisUrl, redisOptions);
  const pool = openPool({
    databaseUrl,
    connectionsMax: poolConnectionsMax,
    statementTimeoutMs: poolTimeoutMs,
    failed: (error) => failed('PostgreSQL', error),
  });
  const relayLock = createRelayLock(databaseUrl);
  const open = (name: string) =>
    openLane({ databaseUrl, name, statementTimeoutMs: commitTimeoutMs, connectTimeoutMs: 2_000 });
  const commitLanes = Array.from({ length: lanes }, (_, index) => open(`onsale lane ${index + 1}`));
  const readLane = open('onsale zone reads');
  const roomLane = open('onsale waiting rooms');

  const gate = createGate(gateConnection, now);
  const ledger = createZoneLedger({ lane: readLane, commitLanes, databaseUrl });

  return {
    pool,
    rateLimits: limits,
    gateConnection,
    gate,
    openRegister: (options) => createRegister(gateConnection, options),
    ledger,
    rooms: createRoomLedger({ lane: roomLane, pool, now }),
    journal: createJournal(pool),
    outbox: createOutbox(pool),
    relayLock,
    consumers: [...createAnalytics(pool), ...createNotifier(pool)],
    tellInventory: () => tellInventory(pool, now),
    sagas: createSagaView(pool),
    bookings: createBookingReads(pool),
    findBookings: (named) => findBookings(pool, named),
    payments: createPaymentReads(pool),
    refunds: createRefundReads(pool),
    operator: createOperatorReads(pool),
    inventory: createInventory({ pool, gateConnection, gate, ledger }),
    tickets: createTicketReads(pool),
    storeNotice: createWebhookInbox(pool),
    zonesWithHolds: () => zonesWithHolds(pool),
    async unsafeSettings() {
      const servers = await gateConnection.all(firstConnectWaitMs);
      const found = [findUnsafePostgres(pool), ...servers.map(({ redis }) => findUnsafeRedis(redis))];
      return (await Promise.all(found)).flat();
    },
    async close() {
      gateConnection.close();
      limits?.close();
      await Promise.all([...commitLanes, readLane, roomLane, relayLock].map((store) => store.close()));
      await pool.end();
    },
  };
}
