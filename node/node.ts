/**
 * One node, put together: stores, payment provider, actors, HTTP; stopped in reverse. Knows every room and decides
 * nothing.
 */
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.ts';
import { pageRoutes } from '../http/pages.ts';
import type { Route } from '../http/route.ts';
import { routes } from '../http/routes.ts';
import { startServer } from '../http/server.ts';
import { openMesh } from '../mesh/mesh.ts';
import { openEventLog } from '../persistence/kafka/event-log.ts';
import { connectStores, type NodeStores } from '../persistence/node-stores.ts';
import { heldSeats, stuckSagas } from '../persistence/postgres/operator-reads.ts';
import { outboxAgeSeconds, outboxBacklog } from '../persistence/postgres/outbox.ts';
import { createMetrics, type Logger, type Metrics } from '../telemetry.ts';
import { realWorld } from '../world.ts';
import { growTree, type RunningTree } from './actors.ts';
import { edgeDeps } from './edge.ts';
import type { Parts } from './parts.ts';
import { connectProviders, type PaymentAccounts } from './providers.ts';

export interface NodeOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** Other nodes listen on this port, too. @default false */
  readonly sharesPort?: boolean;
  readonly jwtSecret: string;
  readonly ticketKey: string;
  readonly payments: PaymentAccounts;
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
    commitTimeoutMs: config.COMMIT_TIMEOUT_MS,
    now: world.clock.now,
    failed: (store, error) => logger.warn({ err: error }, `${store} failed`),
  });
  const eventLog = openLog(config, logger);
  try {
    await refuseUnsafe(stores, config, logger);
    const nodeId = config.NODE_ID ?? (config.PORT === 0 ? world.ids.next() : `${hostname()}:${config.PORT}`);
    const mesh = await openMesh({
      nodeId,
      host: config.HOST,
      port: config.MESH_PORT,
      advertisedHost: config.MESH_HOST ?? config.HOST,
      clock: world.clock,
      metrics,
      log: logger,
    });
    return await openNode(options, { world, metrics, stores, nodeId, mesh, eventLog }).catch(async (error: unknown) => {
      await mesh.close();
      throw error;
    });
  } catch (error) {
    await eventLog?.close();
    await stores.close();
    throw error;
  }
}

function openLog({ KAFKA_BROKERS: brokers, KAFKA_PREFIX: prefix }: Config, logger: Logger) {
  const failed = (error: unknown) => logger.warn({ err: error }, 'Kafka failed');
  return brokers.length > 0 ? openEventLog({ brokers, prefix, failed }) : null;
}

async function openNode(options: NodeOptions, opened: Omit<Parts, 'providers' | 'publicUrl'>): Promise<Node> {
  const { config, logger } = options;
  const { world, metrics, stores, mesh, eventLog } = opened;
  let ownUrl = '';
  const publicUrl = () => config.PUBLIC_URL ?? ownUrl;
  const providers = connectProviders(options.payments, { now: world.clock.now, publicUrl });
  const parts = { ...opened, providers, publicUrl };
  const tree = growTree({ ...parts, config, logger });
  try {
    metrics.nodeInfo(opened.nodeId);
    addGauges(metrics, stores, tree);
    if (eventLog) metrics.consumerLag(eventLog.lag);
    const deps = await edgeDeps({ ...parts, options, tree });
    metrics.gauge('ws_connections', () => deps.live.count('socket'));
    metrics.gauge('sse_connections', () => deps.live.count('stream'));
    await tree.cluster.joined();
    const server = await startServer({
      host: config.HOST,
      port: config.PORT,
      sharesPort: options.sharesPort ?? false,
      routes: [...routes, ...builtPages(logger)],
      deps,
      live: deps.live,
      corsOrigins: config.CORS_ORIGINS,
      paymentOrigin: deps.cardBase === null ? null : new URL(deps.cardBase).origin,
      trustedProxies: config.TRUST_PROXY,
    });
    ownUrl = server.url;
    return {
      url: server.url,
      async stop() {
        await tree.cluster.drain();
        await server.stop();
        await tree.cluster.resign().catch((error: unknown) => logger.warn({ err: error }, 'left without a word'));
        tree.actors.stopAll();
        await mesh.close();
        await eventLog?.close();
        await stores.close();
      },
    };
  } catch (error) {
    tree.actors.stopAll();
    throw error;
  }
}

/** The pages of `npm run build`. Sources that run unbuilt, as in tests, have none. */
function builtPages(logger: Logger): readonly Route[] {
  const pages = pageRoutes(fileURLToPath(new URL('.', import.meta.resolve('#pages/index.html'))));
  if (pages.length === 0) logger.warn('the pages are not built: only the API answers');
  return pages;
}

/** Promises rest on a few settings of the stores: without them a node does not start, or says loudly what is lost. */
async function refuseUnsafe(stores: NodeStores, config: Config, logger: Logger): Promise<void> {
  if (config.RESERVE_ACK === 'gate')
    logger.warn(
      'RESERVE_ACK=gate: reservations are acknowledged before they are durable; a crash loses them. Never sell so',
    );
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

function addGauges(
  metrics: Metrics,
  { pool, gateConnection }: NodeStores,
  { rooms, zones, cluster }: RunningTree,
): void {
  metrics.gauge('cluster_members', () => cluster.view.members.length);
  metrics.gauge('cluster_owned_zones', () => zones.started.size);
  metrics.gauge('zone_mailbox_depth', () => [...zones.started.values()].reduce((sum, zone) => sum + zone.waiting, 0));
  metrics.gauge('active_reservations', () => heldSeats(pool));
  metrics.gauge('saga_stuck', () => stuckSagas(pool));
  metrics.gauge('outbox_backlog', () => outboxBacklog(pool));
  metrics.gauge('outbox_age_seconds', () => outboxAgeSeconds(pool));
  const waiting = () => [...rooms.started.values()].reduce((sum, room) => sum + (room.news?.waiting ?? 0), 0);
  metrics.gauge('queue_waiting', waiting);
  metrics.gauge('pg_pool_connections', () => pool.totalCount);
  metrics.gauge('pg_pool_waiting', () => pool.waitingCount);
  metrics.gauge('redis_gate_connected', () => (gateConnection.isPresent ? 1 : 0));
}
