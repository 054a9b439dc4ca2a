/** The model of a zone by itself; that the scripts of the gate do the same is shown in test/model and test/contracts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyCommand, newEventLedger, newZone, settleRelease, type ZoneCommand } from './zone.ts';

const key = '0'.repeat(32);
const fingerprint = 'f'.repeat(32);
const reserve = (bookingId: string, changes: Partial<Extract<ZoneCommand, { kind: 'reserve' }>> = {}): ZoneCommand => ({
  kind: 'reserve',
  bookingId,
  userId: 'u',
  key: bookingId.padEnd(32, '0'),
  fingerprint,
  quantity: 1,
  expiresAtMs: 1_000,
  ...changes,
});
const counters = (zone: ReturnType<typeof newZone>) => [zone.available, zone.held, zone.sold];

describe('a zone', () => {
  it('holds, sells, releases and sells again', () => {
    const zone = newZone(newEventLedger(), 10);
    const results = (
      [
        reserve('a', { quantity: 3 }),
        reserve('b', { quantity: 2 }),
        { kind: 'confirm', bookingId: 'a' },
        { kind: 'extend', bookingId: 'b', expiresAtMs: 2_000 },
        { kind: 'expire', bookingId: 'b', nowMs: 1_999 },
        { kind: 'expire', bookingId: 'b', nowMs: 2_000 },
        { kind: 'expire', bookingId: 'b', nowMs: 2_000 },
        { kind: 'reacquire', bookingId: 'b', userId: 'u', quantity: 2 },
        { kind: 'cancel', bookingId: 'a' },
        { kind: 'write-off', bookingId: 'c' },
        { kind: 'refund', bookingId: 'b', userId: 'u', quantity: 2 },
        { kind: 'refund', bookingId: 'b', userId: 'u', quantity: 4 },
      ] satisfies ZoneCommand[]
    ).map((command) => applyCommand(zone, command, 10).result);
    expect(results).toEqual([
      'applied',
      'applied',
      'applied',
      'applied',
      'early',
      'applied',
      'absent',
      'applied',
      'absent',
      'applied',
      'applied',
      'absent',
    ]);
    expect(counters(zone)).toEqual([7, 0, 3]);
  });

  it('answers an earlier use of the key first, then stock, then the limit', () => {
    const zone = newZone(newEventLedger(), 4);
    applyCommand(zone, reserve('a', { key, quantity: 2 }), 3);
    expect(applyCommand(zone, reserve('b', { key, quantity: 9 }), 3)).toEqual({
      result: 'replay',
      bookingId: 'a',
      fingerprint,
    });
    expect(applyCommand(zone, reserve('b', { quantity: 3 }), 3)).toEqual({ result: 'too-few' });
    expect(applyCommand(zone, reserve('b', { quantity: 2 }), 3)).toEqual({ result: 'over-limit', current: 2 });
    expect(counters(zone)).toEqual([2, 2, 0]);
    expect(applyCommand(zone, reserve('b', { userId: 'v', quantity: 2 }), 3)).toEqual({ result: 'applied' });
  });

  it('shares users and keys with the other zones of its event', () => {
    const event = newEventLedger();
    const [one, other] = [newZone(event, 10), newZone(event, 10)];
    applyCommand(one, reserve('a', { key, quantity: 2 }), 3);
    expect(applyCommand(other, reserve('b', { quantity: 2 }), 3)).toEqual({ result: 'over-limit', current: 2 });
    expect(applyCommand(other, reserve('b', { key }), 3)).toMatchObject({ result: 'replay', bookingId: 'a' });
    expect(applyCommand(other, { kind: 'confirm', bookingId: 'a' }, 3)).toEqual({ result: 'absent' });
  });

  it('counts what was given back for its user until it is settled', () => {
    const event = newEventLedger();
    const zone = newZone(event, 10);
    applyCommand(zone, reserve('a', { quantity: 2 }), 3);
    applyCommand(zone, reserve('b', { quantity: 1 }), 3);
    const released = zone.holds.get('a');
    applyCommand(zone, { kind: 'cancel', bookingId: 'a' }, 3);
    expect(counters(zone)).toEqual([9, 1, 0]);
    expect(applyCommand(zone, reserve('c'), 3)).toEqual({ result: 'over-limit', current: 3 });
    if (released) settleRelease(event, released);
    expect(applyCommand(zone, reserve('c', { quantity: 2 }), 3)).toEqual({ result: 'applied' });
  });

  it('forgets a user who has nothing left', () => {
    const event = newEventLedger();
    settleRelease(event, { userId: 'u', quantity: 1 });
    expect(event.seatsOfUser.size).toBe(0);
  });

  it('conserves seats, and its counters are what its holds and its users have', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const userId = fc.constantFrom('u', 'v');
    const quantity = fc.integer({ min: 1, max: 4 });
    const atMs = fc.nat(3);
    const command: fc.Arbitrary<ZoneCommand> = fc.oneof(
      fc
        .tuple(id, userId, quantity, atMs)
        .map(([bookingId, user, seats, expiresAtMs]) =>
          reserve(bookingId, { userId: user, quantity: seats, expiresAtMs }),
        ),
      fc.record({ kind: fc.constant('reacquire' as const), bookingId: id, userId, quantity }),
      fc.record({ kind: fc.constantFrom('confirm' as const, 'cancel' as const, 'write-off' as const), bookingId: id }),
      fc.record({ kind: fc.constant('extend' as const), bookingId: id, expiresAtMs: atMs }),
      fc.record({ kind: fc.constant('expire' as const), bookingId: id, nowMs: atMs }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const zone = newZone(newEventLedger(), 12);
        for (const one of commands) {
          const before = counters(zone);
          const held = zone.holds.get(one.bookingId);
          const { result } = applyCommand(zone, one, 9);
          if (result !== 'applied') expect(counters(zone)).toEqual(before);
          else if (held && (one.kind === 'cancel' || one.kind === 'expire')) settleRelease(zone.event, held);
          expect(Math.min(...counters(zone))).toBeGreaterThanOrEqual(0);
          expect(zone.available + zone.held + zone.sold).toBe(12);
          expect(sum([...zone.holds.values()].map((hold) => hold.quantity))).toBe(zone.held);
          expect(sum([...zone.event.seatsOfUser.values()])).toBe(zone.held + zone.sold);
          expect(Math.max(0, ...zone.event.seatsOfUser.values())).toBeLessThanOrEqual(9);
        }
      }),
    );
  });
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
