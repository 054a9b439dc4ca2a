/** What buyers are told of their bookings, and which events ask for it: for whoever keeps a notification or shows it. */

/** A confirmation is asked for by the saga, once it has issued the tickets; the rest follows from the booking's own end. */
const kinds = {
  'saga.notification.send': 'confirmed',
  'booking.expired': 'expired',
  'booking.refunded': 'refunded',
} as const;

export type NotifyingType = keyof typeof kinds;
export type NotificationKind = (typeof kinds)[NotifyingType];

/** By the type of an event; undefined when it comes with none. */
export const notificationOf: Readonly<Record<string, NotificationKind | undefined>> = kinds;
