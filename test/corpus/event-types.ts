/** The types of the saga's events, for tests that must meet each of them. */
import type { SagaEvent } from '../../engine/saga-events.ts';

/** Every type, or this does not compile. */
const types: Readonly<Record<SagaEvent['type'], true>> = {
  'payment-requested': true,
  'free-requested': true,
  'hold-extended': true,
  'hold-gone': true,
  'intent-opened': true,
  'intent-refused': true,
  'payment-failed': true,
  'payment-succeeded': true,
  'booking-confirmed': true,
  'hold-missing': true,
  'seats-refused': true,
  'tickets-issued': true,
  notified: true,
  'refund-settled': true,
  'written-off': true,
  'hold-ended': true,
  'intent-voided': true,
  'refund-requested': true,
  'seats-returned': true,
  'money-returned': true,
  'step-resumed': true,
  'step-failed': true,
  'step-skipped': true,
};

export const everyEventType: readonly string[] = Object.keys(types);
