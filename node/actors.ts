/** The actors of one node, given their ports, their limits and somebody who watches them. */
import { checkoutConsumer } from '../actors/checkout-consumer.ts';
import type { ClusterWatch } from '../actors/cluster/cluster.ts';
import { type Actors, createActors } from '../actors/kit.ts';
import { paymentConsumer } from '../actors/payment-consumer.ts';
import { startTree, type Tree } from '../actors/tree.ts';
import type { Config } from '../config.ts';
import type { Logger, Metrics } from '../telemetry.ts';
import { sha256 } from '../world.ts';
import type { Parts } from './parts.ts';

const bookingAskTimeoutMs = 10_000;
/**
 * A node whose process ended is missed at once (`Membership.bury`), one whose machine ended after three seconds at most; one that
 * stalls for two is still there.
 */
const clusterLimits = { beatMs: 500, memberTtlMs: 2_500 };

/**
 * Everybody who waits is told once a tick, and each tenth of them what was new at their tenth of it (docs/adr/0028): so what
 * they know is never older than a second.
 */
export const roomPace = { tickMs: 975, newsPerTick: 10 };

export type RunningTree = Tree & { readonly actors: Actors };

export function growTree({
  world,
  metrics,
  stores,
  nodeId,
  mesh,
  eventLog,
  providers,
  config,
  logger,
}: Parts & { readonly config: Config; readonly logger: Logger }): RunningTree {
  const actors = createActors(world, stores.journal, {
    crashed(actor, error) {
      metrics.actorCrashed();
      logger.error({ actor, err: error }, 'an actor crashed and starts again');
    },
    abandoned: () => metrics.messageAbandoned(),
  });
  const tree = startTree({
    actors,
    cluster: {
      nodeId,
      mesh,
      register: stores.openRegister({ cluster: config.CLUSTER_NAME, memberTtlMs: clusterLimits.memberTtlMs }),
      limits: clusterLimits,
      watch: watchCluster(metrics, logger),
    },
    zone: {
      gate: stores.gate,
      ledger: stores.ledger,
      limits: {
        batchMax: config.RESERVE_BATCH_MAX,
        inboxMax: config.RESERVE_WAITING_MAX,
        waitMaxMs: config.RESERVE_WAIT_MAX_MS,
        // One at work in PostgreSQL, one behind it, one whose answer is read: more makes batches small.
        commitsMax: 3,
        holdTtlMs: config.HOLD_TTL_SECONDS * 1_000,
        ack: config.RESERVE_ACK,
      },
      watch: {
        batched: metrics.batched,
        timed: metrics.timed,
        refused: metrics.batchRefused,
        doubted(zoneId, why, error) {
          metrics.zoneDoubted();
          logger.warn({ zone_id: zoneId, err: error }, `the zone is closed until it is sure again: ${why}`);
        },
      },
    },
    room: {
      ledger: stores.rooms,
      sha256,
      limits: { batchMax: config.QUEUE_BATCH_MAX, inboxMax: config.QUEUE_WAITING_MAX, ...roomPace },
      watch: {
        admitted: metrics.queueAdmitted,
        doubted: (eventId, why, error) => logger.warn({ event_id: eventId, err: error }, `the waiting room: ${why}`),
      },
    },
    booking: {
      world,
      bookings: stores.ledger,
      providers,
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
    events: {
      outbox: stores.outbox,
      lock: stores.relayLock,
      log: eventLog,
      consumers: ({ bookings, bookingDeps, rooms }) => [
        paymentConsumer(bookings, bookingDeps),
        checkoutConsumer(rooms),
        ...stores.consumers,
      ],
      watch: {
        delivered: metrics.eventDelivered,
        failed: (error) => logger.warn({ err: error }, 'the outbox could not be relayed'),
      },
      findBookings: stores.findBookings,
      tellInventory: stores.tellInventory,
    },
    neglected: { sagas: stores.sagas, zonesWithHolds: stores.zonesWithHolds, roomsOn: stores.rooms.roomsOn },
    sweepFailed: (error) => logger.warn({ err: error }, 'the sweep for unfinished sagas failed'),
  });
  return { ...tree, actors };
}

function watchCluster(metrics: Metrics, logger: Logger): ClusterWatch {
  return {
    changed({ members }) {
      const nodes = members.map(({ nodeId, state }) => `${nodeId} ${state}`);
      logger.info({ nodes }, 'the cluster has changed');
    },
    missed: (error) => logger.warn({ err: error }, 'the cluster could not be told that this node is there'),
    lapsed: () => logger.error('this node was silent for too long: it is out of the cluster and owns nothing'),
    replaced: () => logger.fatal('a newer start of this NODE_ID is there: this one owns nothing any more'),
    forwarded: metrics.forwarded,
    notReleased: (error) => logger.debug({ err: error }, 'a lease could not be given back'),
  };
}
