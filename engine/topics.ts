/**
 * The topics of the event log and who finds what in them. A new topic is one line here: it is made at the next start.
 * Events of one key are read in the order in which they were written; the key is the envelope's `subject`.
 */

/** Partitions are set once: another number would send a key elsewhere, away from what was told of it before. */
export const topics = {
  /** By booking: booking.created, confirmed, cancelled, expired, refunded. */
  'booking-events': { partitions: 6 },
  /** By booking: payment.created, success, failed, cancelled, refunded. */
  'payment-events': { partitions: 6 },
  /** By event: queue.joined, ready, left, expired. */
  'queue-events': { partitions: 6 },
  /** By event: checkout.completed, failed, expired. */
  'checkout-events': { partitions: 6 },
  /** By zone: zone.availability_changed, sold_out, reopened. */
  'inventory-events': { partitions: 6 },
  /** By booking: saga.booking.confirm, saga.notification.send. */
  'saga-commands': { partitions: 6 },
  /** By the key of what could not be processed. */
  'onsale.dlq': { partitions: 1 },
} as const satisfies Readonly<Record<string, { readonly partitions: number }>>;

export type Topic = keyof typeof topics;

export function isTopic(name: string): name is Topic {
  return Object.hasOwn(topics, name);
}
