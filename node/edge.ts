/** What the routes of a node are given of everything behind them. */
import { declareRefund, endHold, look, pay, refund, settle, tell } from '../actors/booking-requests.ts';
import { createAccessTokens } from '../http/auth.ts';
import type { Check, Deps } from '../http/deps.ts';
import { createLiveRooms } from '../http/live/live-rooms.ts';
import { createPassDesk } from '../http/pass-desk.ts';
import { createPassSeal } from '../http/pass-seal.ts';
import { createPasswords } from '../http/passwords.ts';
import { createReadCache } from '../http/read-cache.ts';
import { createSaleDesk } from '../http/sale-desk.ts';
import { createSessions } from '../http/sessions.ts';
import { readSigningKeys } from '../http/signing-keys.ts';
import { createTicketSeal } from '../http/ticket-seal.ts';
import type { KafkaEventLog } from '../persistence/kafka/event-log.ts';
import type { NodeStores } from '../persistence/node-stores.ts';
import { createAccounts } from '../persistence/postgres/accounts.ts';
import { createAuditLog } from '../persistence/postgres/audit-log.ts';
import { createCatalogue } from '../persistence/postgres/catalogue.ts';
import { type RunningTree, roomPace } from './actors.ts';
import type { NodeOptions } from './node.ts';
import { operatorDeps } from './operator.ts';
import type { Parts } from './parts.ts';

/** A household's devices with a few tabs each; a company behind one address. Beyond that, clients ask instead. */
const liveConnectionsOfClient = { userMax: 10, addressMax: 1_000 };

interface EdgeParts extends Parts {
  readonly options: NodeOptions;
  readonly tree: RunningTree;
}

export async function edgeDeps({
  options,
  world,
  metrics,
  stores,
  eventLog,
  providers,
  publicUrl,
  tree,
}: EdgeParts): Promise<Deps> {
  const { config, logger } = options;
  const { clock, ids } = world;
  const secret = options.jwtSecret;
  const keys = await readSigningKeys(options.ticketKey);
  const passSeal = createPassSeal(keys, clock);
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
    readiness: async () => [...(await readiness(stores, eventLog)), membershipCheck(tree)],
    metrics: metrics.text,
    jwks: () => keys.jwks,
    observe: metrics.observeHttp,
    roomOf: tree.roomOf,
    passSeal,
    passDesk: createPassDesk(passSeal, tree.roomOf),
    live: createLiveRooms({
      roomOf: tree.roomOf,
      passSeal,
      clock,
      connectionsMax: config.LIVE_CONNECTIONS_MAX,
      parts: roomPace.newsPerTick,
      perClient: config.RATE_LIMIT === 'on' ? liveConnectionsOfClient : null,
      ended: metrics.liveEnded,
    }),
    queueLog: stores.rooms.read,
    zoneOf: tree.zones.find,
    bookings: stores.bookings,
    payments: stores.payments,
    refunds: stores.refunds,
    operator: stores.operator,
    auditLog: createAuditLog(stores.pool),
    inventory: stores.inventory,
    ...operatorDeps(options, tree),
    tickets: stores.tickets,
    ticketSeal: createTicketSeal(keys),
    providers,
    cardBase: options.payments.stripe?.apiBase ?? null,
    beginPayment: (booking, asked) =>
      pay(tree.bookingDeps, tree.bookings.find(booking.bookingId), { booking, ...asked }),
    lookAtPayment: (bookingId) => look(tree.bookings.find(bookingId)),
    returnOrigins: () => new Set([new URL(publicUrl()).origin, ...config.CORS_ORIGINS]),
    settleBooking: (booking, traceparent) =>
      settle(tree.bookingDeps, tree.bookings.find(booking.bookingId), booking, traceparent),
    refundBooking: (booking, order, traceparent) =>
      refund(tree.bookingDeps, tree.bookings.find(booking.bookingId), { booking, order, traceparent }),
    declareRefund: (bookingId, reference) => declareRefund(tree.bookingDeps, tree.bookings.find(bookingId), reference),
    endHold: (booking, reason) => endHold(tree.bookings.find(booking.bookingId), reason),
    async storeNotice(stored) {
      const isNew = await stores.storeNotice(stored);
      if (isNew) tree.relay.wake();
      const { notice } = stored;
      // By way of Kafka it comes behind whatever waits there, and a buyer waits for it: what is heard twice counts once.
      if (isNew && eventLog && notice.kind !== 'ignored' && notice.bookingId)
        void tell(tree.bookingDeps, tree.bookings.find(notice.bookingId), notice);
      return isNew;
    },
    reservationAnswered: metrics.reservation,
  };
}

async function readiness(
  { pool, gateConnection }: NodeStores,
  eventLog: KafkaEventLog | null,
): Promise<readonly Check[]> {
  const postgres = await pool.query('select 1').then(
    () => ({ name: 'postgresql', ok: true }),
    () => ({ name: 'postgresql', ok: false, problem: 'does not answer' }),
  );
  const redis = gateConnection.isPresent
    ? { name: 'redis', ok: true }
    : { name: 'redis', ok: false, problem: 'not connected' };
  return [postgres, redis, await eventBus(eventLog)];
}

/** A node that hands everything over is to get no new visitors. */
function membershipCheck({ cluster: { view, nodeId } }: RunningTree): Check {
  const name = `cluster (${view.members.length} nodes)`;
  const self = view.members.find((member) => member.nodeId === nodeId);
  if (self?.state === 'serving') return { name, ok: true };
  return { name, ok: false, problem: self ? 'this node is leaving' : 'this node is out of it' };
}

/** A node without its Kafka sells on, and what it has to tell waits in the outbox: it says so, and is ready. */
async function eventBus(eventLog: KafkaEventLog | null): Promise<Check> {
  if (!eventLog) return { name: 'event bus (in process)', ok: true };
  const name = 'event bus (kafka)';
  if (await eventLog.isPresent()) return { name, ok: true };
  return { name, ok: true, problem: 'does not answer; events wait in the outbox' };
}
