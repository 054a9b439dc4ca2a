/** What a ledger can be asked about the past: bookings by id and by key, and which keys were ever used. */
import { describe, expect, it } from 'vitest';
import { KeyFilter } from '../../engine/key-filter.ts';
import { hashOf, newId } from './event-sample.ts';
import { type LedgerUnderTest, moveOf, ZoneOfTest } from './ledger-bench.ts';

export function describeRecall(store: () => LedgerUnderTest): void {
  describe('finds', () => {
    it('a booking of the event by its id, and nothing else', async () => {
      const zone = await ZoneOfTest.open(store(), 10);
      const { bookingId } = await zone.reserved();
      expect(await zone.find(bookingId)).toMatchObject({ bookingId });
      expect(await zone.find(newId())).toBeNull();
      expect(await store().ledger.find(newId(), bookingId)).toBeNull();
    });

    it('the bookings that keys have made, whatever became of them', async () => {
      const zone = await ZoneOfTest.open(store(), 10);
      const other = await ZoneOfTest.open(store(), 10, zone.lease.eventId);
      const kept = await zone.reserved();
      const ended = await other.reserved({ fingerprint: hashOf('another body') });
      await other.committed([], [moveOf(ended.bookingId, 'cancel')]);
      const uses = [kept, ended, { userId: kept.userId, key: ended.key }, { userId: newId(), key: hashOf('unused') }];
      const found = await store().ledger.findByKeys(zone.lease.eventId, uses);
      expect(new Map(found.map((booking) => [booking.key, booking]))).toEqual(
        new Map([
          [kept.key, { ...(await zone.find(kept.bookingId)), key: kept.key, fingerprint: kept.fingerprint }],
          [ended.key, { ...(await zone.find(ended.bookingId)), key: ended.key, fingerprint: ended.fingerprint }],
        ]),
      );
      expect(found.find(({ key }) => key === ended.key)).toMatchObject({ status: 'cancelled' });
      expect(await store().ledger.findByKeys(newId(), uses)).toEqual([]);
    });
  });

  it('tells the prefix of every key that was ever used in a zone, as the key filter takes it', async () => {
    const zone = await ZoneOfTest.open(store(), 1_000);
    const other = await ZoneOfTest.open(store(), 10, zone.lease.eventId);
    const edges = ['00000000', '00000001', '7fffffff', '80000000', 'ffffffff'].map((p) => p.padEnd(32, 'a'));
    for (const key of [...edges, ...Array.from({ length: 20 }, () => hashOf(newId()))]) await zone.reserved({ key });
    const elsewhere = await other.reserved();
    const filter = new KeyFilter();
    const prefixes = await store().ledger.usedKeys(zone.lease);
    expect(prefixes).toHaveLength(25);
    expect(prefixes).toEqual(expect.arrayContaining([0, 1, 0x7fffffff, 0x80000000, 0xffffffff]));
    for (const prefix of prefixes) filter.addPrefix(prefix);
    for (const key of edges) expect(filter.mayHave(key)).toBe(true);
    expect(filter.mayHave(elsewhere.key)).toBe(false);
  });
}
