/**
 * A whole node with everything around it: a database of its own, the worker's Redis, a payment sandbox that outlives
 * the node, and the line between the two. The node runs in the test's process, or, to be killed, in one of its own.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import pino from 'pino';
import Stripe from 'stripe';
import { inject } from 'vitest';
import { audit } from '../auditor.ts';
import { type Config, readConfig } from '../config.ts';
import type { Finding } from '../engine/audit.ts';
import { signAccessToken } from '../http/auth.ts';
import { startNode } from '../node/node.ts';
import { configuredAccounts } from '../node/providers.ts';
import { insertSeed } from '../persistence/postgres/seed.ts';
import { readCharges } from '../providers/sandbox/charges.ts';
import { type SandboxClock, wallClock } from '../providers/sandbox/clock.ts';
import { type Buyer, buyerWith, eventually, registerBuyer } from './buyer.ts';
import { gatewayEnvironment, gatewayKeys } from './gateway-buyer.ts';
import { type NodeProcess, spawnNode } from './node-process.ts';
import { openLine, type ProviderLine } from './provider-line.ts';
import { openShop, type Shop, secretKey, webhookSecret } from './sandbox-shop.ts';
import { openDatabase, openRedis } from './stores.ts';

/** Signs the tokens that the node accepts. */
export const tokenSecret = 'a secret of an e2e test, long enough for HS256';

interface Running {
  readonly url: string;
  stop(): Promise<void>;
  /** As `kill -9` does; only a process of its own can be killed. */
  kill?(): Promise<void>;
}

/** An event on sale. `zoneId` is the first of its zones. */
export interface OnSale {
  readonly eventId: string;
  readonly showId: string;
  readonly zoneId: string;
  readonly zoneIds: readonly string[];
}

export interface SaleTerms {
  /** @default 1 */
  readonly zones?: number;
  /** Of each zone. @default 100 */
  readonly seats?: number;
  /** Minor units of the currency. @default 150000 */
  readonly priceMinor?: number;
  /** @default THB */
  readonly currency?: string;
  /** @default 10 */
  readonly maxPerUser?: number;
  /** @default off */
  readonly waitingRoom?: 'off' | 'open';
}

/** A webhook as the provider would send it, but about whatever a test wants. */
export interface ForgedNotice {
  readonly intentId: string;
  readonly bookingId: string | null;
  readonly amountMinor?: number;
  readonly type?: string;
  readonly id?: string;
  /** @default the endpoint's own, so that the signature is right */
  readonly signedWith?: string;
}

export interface NodeUnderTest {
  readonly database: pg.Pool;
  readonly shop: Shop;
  readonly line: ProviderLine;
  readonly databaseUrl: string;
  url(): string;
  /** Ends and begins the node; everything around it stays. */
  stop(): Promise<void>;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Starts one more node of the cluster, as a process of its own; it is the caller's to end. */
  addNode(nodeId: string, environment?: Readonly<Record<string, string>>): Promise<NodeProcess>;
  newBuyer(): Promise<Buyer>;
  /** Many users with a token and no account, as `onsale seed` makes them. */
  crowd(size: number): Promise<readonly Buyer[]>;
  putOnSale(terms?: SaleTerms): Promise<OnSale>;
  /** Sends a webhook; the answer's status. */
  forge(notice: ForgedNotice): Promise<number>;
  /** What the sandbox really took for a booking, and gave back of it. */
  chargesOf(bookingId: string): Promise<readonly { readonly amount: number; readonly refunded: number }[]>;
  /** Runs the auditor over everything, once nothing is under way any more. Empty when every promise holds. */
  findings(): Promise<readonly Finding[]>;
  close(): Promise<void>;
}

export interface Surroundings {
  /** So that the node can be killed. @default false */
  readonly ownProcess?: boolean;
  /** Of the sandbox. @default the wall's */
  readonly clock?: SandboxClock;
}

/** `environment`: as for `onsale serve`, e.g. HOLD_TTL_SECONDS. */
export async function startNodeUnderTest(
  environment: Readonly<Record<string, string>> = {},
  { ownProcess = false, clock = wallClock }: Surroundings = {},
): Promise<NodeUnderTest> {
  const [own, redisUrl, folder] = await Promise.all([
    openDatabase(),
    environment.REDIS_URL ?? openRedis(),
    mkdtemp(join(inject('storesFolder'), 'shop-')),
  ]);
  let running: Running | null = null;
  const url = () => running?.url ?? 'http://the.node.is.down.test';
  const webhooks = () => running && `${running.url}/api/v1/webhooks`;
  const shop = await openShop({
    journalFile: join(folder, 'sandbox.jsonl'),
    webhookUrl: () => running && `${webhooks()}/stripe`,
    gateways: { keys: gatewayKeys, journalFile: join(folder, 'orders.jsonl'), merchantUrl: webhooks },
    clock,
  });
  const line = await openLine(shop.sandbox.url);
  const ticketKey = JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));
  const given = {
    PORT: '0',
    DATABASE_URL: own.url,
    REDIS_URL: redisUrl,
    ONSALE_DATA_DIR: folder,
    JWT_SECRET: tokenSecret,
    PASS_PRIVATE_KEY: ticketKey,
    STRIPE_SECRET_KEY: secretKey,
    STRIPE_WEBHOOK_SECRET: webhookSecret,
    STRIPE_API_BASE: line.url,
    ...gatewayEnvironment(line.url),
    RATE_LIMIT: 'off',
    BCRYPT_COST: '4',
    LOG_LEVEL: 'silent',
    // The stores' Redis is shared with other nodes under test, and a node that comes back is the same one.
    CLUSTER_NAME: randomUUID(),
    NODE_ID: 'node-1',
    ...environment,
  };
  const start = async () => {
    running = ownProcess ? await spawnNode(given) : await runHere(readConfig(given));
  };
  const end = async (how: 'stop' | 'kill') => {
    const ending = running;
    running = null;
    await ending?.[how]?.();
  };
  await start();
  const database = new pg.Pool({ connectionString: own.url, max: 4 });
  // The database is dropped by force while the last connections of the pool still say goodbye.
  database.on('error', () => {});

  return {
    database,
    shop,
    line,
    databaseUrl: own.url,
    url,
    stop: () => end('stop'),
    kill: () => end('kill'),
    start,
    addNode: (nodeId, changes) => spawnNode({ ...given, ...changes, NODE_ID: nodeId }),
    newBuyer: () => registerBuyer(url),
    crowd: (size) => Promise.all(Array.from({ length: size }, () => tokenHolder(url, tokenSecret))),
    putOnSale: (terms) => putOnSale(own.url, terms),
    forge: (notice) => forge(url(), notice),
    chargesOf: async (bookingId) => (await shop.charges()).filter((charge) => charge.booking_id === bookingId),
    async findings() {
      await atRest(database);
      const readSandbox = () => readCharges(shop.sandbox.url);
      const sources = { databaseUrl: own.url, redisUrl, readCharges: readSandbox, acked: [], eventId: null };
      return eventually(async () => {
        const { findings } = await audit({ ...sources, settled: true });
        // How many seats are left is told once a second, also when everything else has come to rest.
        if (findings.some(({ subject }) => subject === 'outbox')) throw new Error('the outbox is being emptied');
        return findings;
      });
    },
    async close() {
      await end('stop');
      await Promise.all([line.close(), shop.sandbox.stop(), database.end()]);
      await own.drop();
    },
  };
}

function runHere(config: Config): Promise<Running> {
  return startNode({
    config,
    logger: pino({ level: config.LOG_LEVEL }),
    databaseUrl: config.DATABASE_URL ?? '',
    redisUrl: config.REDIS_URL ?? '',
    jwtSecret: config.JWT_SECRET ?? '',
    ticketKey: config.PASS_PRIVATE_KEY ?? '',
    payments: configuredAccounts(config),
  });
}

async function tokenHolder(address: () => string, secret: string): Promise<Buyer> {
  const user = { id: randomUUID(), role: 'user', tokenId: randomUUID() } as const;
  const token = await signAccessToken(secret, user, { nowMs: Date.now(), ttlSeconds: 900 });
  return buyerWith(address, { userId: user.id, token });
}

async function putOnSale(databaseUrl: string, terms: SaleTerms = {}): Promise<OnSale> {
  const { zones = 1, seats = 100, priceMinor = 150_000, maxPerUser = 10, waitingRoom = 'off' } = terms;
  const { currency = 'THB' } = terms;
  const zoneIds = Array.from({ length: zones }, () => randomUUID());
  const sale = { eventId: randomUUID(), showId: randomUUID(), tenantId: randomUUID() };
  const seed = { ...sale, zoneIds, userIds: [], seatsPerZone: seats, priceMinor, currency, maxPerUser, waitingRoom };
  await insertSeed(databaseUrl, seed);
  return { eventId: sale.eventId, showId: sale.showId, zoneIds, zoneId: zoneIds[0] ?? '' };
}

async function forge(nodeUrl: string, notice: ForgedNotice): Promise<number> {
  const { intentId, bookingId, amountMinor = 150_000, type = 'payment_intent.succeeded' } = notice;
  const { id = `evt_${randomUUID()}`, signedWith = webhookSecret } = notice;
  const metadata = bookingId === null ? {} : { booking_id: bookingId };
  const money = { amount: amountMinor, amount_received: amountMinor, currency: 'thb' };
  const object = { id: intentId, object: 'payment_intent', ...money, metadata, last_payment_error: null };
  const payload = JSON.stringify({ id, object: 'event', type, livemode: false, data: { object } });
  const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret: signedWith });
  const headers = { 'Content-Type': 'application/json', 'Stripe-Signature': signature };
  const response = await fetch(`${nodeUrl}/api/v1/webhooks/stripe`, { method: 'POST', headers, body: payload });
  await response.arrayBuffer();
  return response.status;
}

/** Nothing waits to be relayed, no saga is between two steps, and no hold is about to run out. */
async function atRest(database: pg.Pool): Promise<void> {
  const text = `
    select (select count(*)::int from outbox where published_at is null) as untold,
           (select count(*)::int from saga_instances where status in ('running', 'compensating')) as moving,
           (select count(*)::int from bookings
             where status = 'reserved' and expires_at < now() + interval '2 seconds') as ending`;
  await eventually(async () => {
    const { rows } = await database.query(text);
    if (rows[0].untold + rows[0].moving + rows[0].ending > 0)
      throw new Error(`still under way: ${JSON.stringify(rows[0])}`);
  });
}
