/**
 * Sagas that were stored by earlier builds, replayed by this one. The file is never made anew: a story is added when an
 * event gets a new type, and a story that fails here is a saga that a deployment would have broken.
 */
import { describe, expect, it } from 'vitest';
import { applySaga, newSaga, type Saga } from '../../engine/saga.ts';
import type { SagaEvent } from '../../engine/saga-events.ts';
import { decode } from '../../persistence/codec.ts';
import corpus from './sagas-v1.json' with { type: 'json' };

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

const eventsOf = ({ records }: { readonly records: readonly string[] }) =>
  records.flatMap((record) => decode(Buffer.from(record, 'base64')) as readonly SagaEvent[]);

describe('a saga of version 1', () => {
  it.each(corpus)('$story', (stored) => {
    expect(eventsOf(stored).reduce<Saga>(applySaga, newSaga)).toMatchObject(stored.saga);
  });

  it('of every type of event is among them', () => {
    const stored = new Set(corpus.flatMap(eventsOf).map(({ type }) => type));
    expect([...stored].sort()).toEqual(Object.keys(types).sort());
  });
});
