import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { CommitBatch } from '../engine/ports.ts';
import { eventsOfBatch, eventsText } from './batch-events.ts';

const time = fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2030, 0) });
const quantity = fc.integer({ min: 1, max: 1_000 });
const traceparent = fc.constantFrom(undefined, `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`);
const command = fc.record({
  kind: fc.constant('reserve' as const),
  bookingId: fc.uuid(),
  userId: fc.uuid(),
  key: fc.constant('0'.repeat(32)),
  fingerprint: fc.constant('0'.repeat(32)),
  quantity,
  expiresAtMs: fc.oneof(fc.constant(Date.UTC(2027, 0)), time),
  traceparent,
});
const move = fc.record({
  bookingId: fc.uuid(),
  move: fc.constantFrom('confirm' as const, 'extend' as const, 'expire' as const),
  expiresAtMs: fc.constant(null),
  traceparent,
});
const batch: fc.Arbitrary<CommitBatch> = fc.record({
  lease: fc.record({ eventId: fc.uuid(), zoneId: fc.uuid(), epoch: fc.nat(), generation: fc.nat() }),
  version: fc.nat(),
  terms: fc.record({ priceMinor: fc.nat(), currency: fc.constant('THB'), maxPerUser: fc.nat() }),
  nowMs: time,
  made: fc.array(command, { maxLength: 5 }),
  moved: fc.array(move, { maxLength: 3 }),
});

it('says the same as text and as objects', () => {
  const same = (one: CommitBatch) => {
    expect(JSON.parse(eventsText(one))).toEqual(eventsOfBatch(one));
  };
  fc.assert(fc.property(batch, same));
});
