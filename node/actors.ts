/** The actors of one node, given their ports, their limits and somebody who watches them. */
import { hash } from 'node:crypto';
import { checkoutConsumer } from '../actors/checkout-consumer.ts';
import { type Actors, createActors } from '../actors/kit.ts';
import { paymentConsumer } from '../actors/payment-consumer.ts';
import { startTree, type Tree } from '../actors/tree.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../telemetry.ts';
import type { Parts } from './parts.ts';

const bookingAskTimeoutMs = 10_000;

export type RunningTree = Tree & { readonly actors: Actors };

export function growTree({
  world,
  metrics,
  stores,
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
        doubted(zoneId, why, error) {
          metrics.zoneDoubted();
          logger.warn({ zone_id: zoneId, err: error }, `the zone is closed until it is sure again: ${why}`);
        },
      },
    },
    room: {
      ledger: stores.rooms,
      sha256: (text) => hash('sha256', text, 'hex'),
      limits: { batchMax: config.QUEUE_BATCH_MAX, inboxMax: config.QUEUE_WAITING_MAX, tickMs: 1_000 },
      watch: {
        admitted: metrics.queueAdmitted,
        doubted: (eventId, why, error) => logger.warn({ event_id: eventId, err: error }, `the waiting room: ${why}`),
      },
    },
    booking: {
      world,
      bookings: stores.ledger,
      providers,
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
      tellInventory: stores.tellInventory,
    },
    sagas: stores.sagas,
    sweepFailed: (error) => logger.warn({ err: error }, 'the sweep for unfinished sagas failed'),
  });
  return { ...tree, actors };
}
