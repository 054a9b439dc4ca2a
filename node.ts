/**
 * One node, put together: stores, payment provider, actors, HTTP; stopped in reverse. Knows every room and decides
 * nothing.
 */
import { pay, settle } from './actors/booking.ts';
import { type Actors, createActors } from './actors/kit.ts';
import { wakeRelay } from './actors/outbox.ts';
import { paymentConsumer } from './actors/payment-consumer.ts';
import { startTree, type Tree } from './actors/tree.ts';
import type { Config } from './config.ts';
import type { PaymentProvider } from './engine/payment.ts';
import type { World } from './engine/ports.ts';
import { createAccessTokens } from './http/auth.ts';
import type { Check, Deps } from './http/deps.ts';
import { createPasswords } from './http/passwords.ts';
import { createReadCache } from './http/read-cache.ts';
import { routes } from './http/routes.ts';
import { createSaleDesk } from './http/sale-desk.ts';
import { startServer } from './http/server.ts';
import { createSessions } from './http/sessions.ts';
import { createTicketSeal } from './http/ticket-seal.ts';
import { connectStores, type NodeStores } from './persistence/node-stores.ts';
import { createAccounts } from './persistence/postgres/accounts.ts';
import { createCatalogue } from './persistence/postgres/catalogue.ts';
import { outboxBacklog } from './persistence/postgres/outbox.ts';
import { createStripeProvider } from './providers/stripe/stripe.ts';
import { createMetrics, type Logger, type Metrics } from './telemetry.ts';
import { realWorld } from './world.ts';

export interface NodeOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly jwtSecret: string;
  readonly ticketKey: string;
  readonly stripe: {
    readonly secretKey: string;
    readonly webhookSecrets: readonly string[];
    readonly apiBase: string | undefined;
  };
}

export interface Node {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a node; it can serve when this resolves. Rejects when a store cannot be reached or the address is taken. */
export async function startNode(options: NodeOptions): Promise<Node> {
  const { config, logger } = options;
  const world = realWorld();
  const metrics = createMetrics();
  const stores = await connectStores({
    databaseUrl: options.databaseUrl,
    redisUrl: options.redisUrl,
    rateLimits: config.RATE_LIMIT === 'on',
    now: world.clock.now,
    failed: (store, error) => logger.warn({ err: error }, `${store} failed`),
  });
  const provider = createStripeProvider({
    secretKey: options.stripe.secretKey,
    webhookSecrets: options.stripe.webhookSecrets,
    timeoutMs: providerTimeoutMs,
    ...(options.stripe.apiBase ? { apiBase: options.stripe.apiBase } : {}),
  });
  try {
    await refuseUnsafe(stores, config, logger);
    return await openNode(options, { world, metrics, stores, provider });
  } catch (error) {
    await stores.close();
    throw error;
  }
}

async function openNode(options: NodeOptions, parts: Parts): Promise<Node> {
  const { config, logger } = options;
  const { metrics, stores } = parts;
  const tree = growTree({ ...parts, config, logger });
  try {
    addGauges(metrics, stores);
    const deps = await edgeDeps({ ...parts, options, tree });
    // Whoever holds seats in a zone must be able to lose them in time, so its owner starts now.
    for (const zoneId of await stores.zonesWithHolds()) tree.zones.find(zoneId);
    const server = await startServer({
      host: config.HOST,
      port: config.PORT,
      routes,
      deps,
      corsOrigins: config.CORS_ORIGINS,
      trustedProxies: config.TRUST_PROXY,
    });
    return {
      url: server.url,
      async stop() {
        await server.stop();
        tree.actors.stopAll();
        await stores.close();
      },
    };
  } catch (error) {
    tree.actors.stopAll();
    throw error;
  }
}

/** Shorter than a saga's patience, longer than a provider's bad day. */
const providerTimeoutMs = 8_000;
const bookingAskTimeoutMs = 10_000;

interface Parts {
  readonly world: World;
  readonly metrics: Metrics;
  readonly stores: NodeStores;
  readonly provider: PaymentProvider;
}

function growTree({
  world,
  metrics,
  stores,
  provider,
  config,
  logger,
}: Parts & { readonly config: Config; readonly logger: Logger }): Tree & { readonly actors: Actors } {
  const actors = createActors(world, stores.journal, {
    crashed(actor, error) {
      metrics.actorCrashed();
      logger.error({ actor, err: error }, 'an actor crashed and starts again');
    },
    abandoned: () => metrics.messageAbandoned(),
  });
  const tree = startTree({
    actors,
    zone: {
      gate: stores.gate,
      ledger: stores.ledger,
      limits: {
        batchMax: config.RESERVE_BATCH_MAX,
        inboxMax: config.RESERVE_WAITING_MAX,
        commitsMax: 2,
        holdTtlMs: config.HOLD_TTL_SECONDS * 1_000,
      },
      watch: {
        batched: metrics.batched,
        timed: metrics.timed,
        doubted(zoneId, why, error) {
          metrics.zoneDoubted();
          logger.warn({ zone_id: zoneId, err: error }, `the zone is closed until it is sure again: ${why}`);
        },
      },
    },
    booking: {
      world,
      bookings: stores.ledger,
      providers: { stripe: provider },
      notify: async ({ bookingId }) =>
        logger.info({ booking_id: bookingId }, 'the booking is confirmed and its tickets are issued'),
      paymentGraceMs: config.PAYMENT_GRACE_SECONDS * 1_000,
      askTimeoutMs: bookingAskTimeoutMs,
      watch: {
        stepped: metrics.sagaStep,
        stuck(bookingId, step, error) {
          metrics.sagaStuck();
          logger.error({ booking_id: bookingId, step, error }, 'a saga is stuck');
        },
      },
    },
    outbox: stores.outbox,
    consumers: (bookings, deps) => [paymentConsumer(bookings, deps)],
    relayWatch: {
      delivered: metrics.eventDelivered,
      failed: (error) => logger.warn({ err: error }, 'the outbox could not be relayed'),
    },
    sagas: stores.sagas,
    sweepFailed: (error) => logger.warn({ err: error }, 'the sweep for unfinished sagas failed'),
  });
  return { ...tree, actors };
}

/** Promises rest on a few settings of the stores: without them a node does not start, or says loudly what is lost. */
async function refuseUnsafe(stores: NodeStores, config: Config, logger: Logger): Promise<void> {
  const unsafe = await stores.unsafeSettings();
  for (const { setting, found, needed, lost } of unsafe) {
    logger.error({ setting, found, needed }, `UNSAFE: with ${setting}=${found}, ${lost}`);
  }
  if (unsafe.length === 0 || config.ALLOW_UNSAFE === '1') return;
  const named = unsafe.map(({ setting, found, needed }) => `${setting} is ${found}, must be ${needed}`);
  throw new Error(
    `The stores are not safe to sell on: ${named.join('; ')}. Set them, or ALLOW_UNSAFE=1 to start all the same.`,
  );
}

function addGauges(metrics: Metrics, { pool, gateConnection }: NodeStores): void {
  metrics.gauge('outbox_backlog', () => outboxBacklog(pool));
  metrics.gauge('pg_pool_connections', () => pool.totalCount);
  metrics.gauge('pg_pool_waiting', () => pool.waitingCount);
  metrics.gauge('redis_gate_connected', () => (gateConnection.present ? 1 : 0));
}

interface EdgeParts extends Parts {
  readonly options: NodeOptions;
  readonly tree: Tree & { readonly actors: Actors };
}

async function edgeDeps({ options, world, metrics, stores, provider, tree }: EdgeParts): Promise<Deps> {
  const { config, logger } = options;
  const { clock, ids } = world;
  const secret = options.jwtSecret;
  const ticketSeal = await createTicketSeal(options.ticketKey);
  const accounts = createAccounts(stores.pool);
  const tokens = createAccessTokens({ secret, clock, ids });
  const catalogue = createCatalogue(stores.pool);
  return {
    accounts,
    passwords: createPasswords({ cost: config.BCRYPT_COST }),
    sessions: createSessions({ accounts, tokens, secret, clock, ids }),
    tokens,
    catalogue,
    reads: createReadCache(clock),
    saleDesk: createSaleDesk(catalogue, clock),
    limits: stores.rateLimits,
    clock,
    ids,
    logger,
    readiness: () => readiness(stores),
    metrics: metrics.text,
    jwks: () => ticketSeal.jwks,
    observe: metrics.observeHttp,
    zoneOf: tree.zones.find,
    bookings: stores.bookings,
    payments: stores.payments,
    tickets: stores.tickets,
    ticketSeal,
    providers: { stripe: provider },
    beginPayment: (booking, name) =>
      pay(tree.bookingDeps, tree.bookings.find(booking.bookingId), { booking, provider: name }),
    settleBooking: (booking) => settle(tree.bookingDeps, tree.bookings.find(booking.bookingId), booking),
    async storeNotice(stored) {
      if (await stores.storeNotice(stored)) wakeRelay(tree.actors, tree.relay);
    },
    reservationAnswered: metrics.reservation,
  };
}

async function readiness({ pool, gateConnection }: NodeStores): Promise<readonly Check[]> {
  const postgres = await pool.query('select 1').then(
    () => ({ name: 'postgresql', ok: true }),
    () => ({ name: 'postgresql', ok: false, problem: 'does not answer' }),
  );
  const redis = gateConnection.present
    ? { name: 'redis', ok: true }
    : { name: 'redis', ok: false, problem: 'not connected' };
  return [postgres, redis, { name: 'event bus', ok: true }];
}
