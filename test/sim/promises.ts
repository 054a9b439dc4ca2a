/** The promises of a sale, recomputed from the bookings of the ledger. Each check answers what it found broken. */
import type { KeyedBooking } from '../../engine/ports.ts';
import type { Zone } from '../../engine/zone.ts';
import type { ZoneRow } from '../../persistence/memory/ledger.ts';
import { maxPerUser, type Sale } from './stage.ts';

/** What holds at every moment: seats are conserved in gate and ledger, and nobody has more than allowed. */
export function checkSeats({ ledger, gate, eventId, zoneIds }: Sale): string[] {
  const broken: string[] = [];
  const bookings = [...ledger.tables.bookings.values()];
  for (const zoneId of zoneIds) {
    const row = ledger.tables.zones.get(zoneId) as ZoneRow;
    const gated = gate.look(eventId, zoneId)?.zone;
    for (const [where, zone] of Object.entries({ ledger: row, ...(gated ? { gate: gated } : {}) })) {
      const { available, held, sold, blocked, capacity } = zone;
      if (Math.min(available, held, sold, blocked) < 0) broken.push(`${where}: a counter of ${zoneId} is negative`);
      if (available + held + sold + blocked !== capacity) broken.push(`${where}: seats of ${zoneId} are not conserved`);
    }
    const seats = (status: string) =>
      sum(bookings.filter((booking) => booking.zoneId === zoneId && booking.status === status));
    if (row.held !== seats('reserved')) broken.push(`ledger: held of ${zoneId} is not what its bookings hold`);
    if (row.sold !== seats('confirmed')) broken.push(`ledger: sold of ${zoneId} is not what its bookings own`);
  }
  for (const [userId, seats] of seatsOfUsers(bookings))
    if (seats > maxPerUser) broken.push(`user ${userId} has ${seats} seats`);
  return broken;
}

/** What holds besides when nothing is under way: no hold is overdue, gate and ledger agree, everything was told. */
export function checkAtRest(sale: Sale): string[] {
  const uneven = sale.zoneIds
    .filter((zoneId) => !isLevel(sale, zoneId))
    .map((zoneId) => `the gate of ${zoneId} is not level`);
  return [...checkSeats(sale), ...checkHolds(sale), ...uneven, ...checkLevelGate(sale), ...checkOutbox(sale)];
}

/** Gate and ledger are at one version and generation, and so must have the same. */
function isLevel({ ledger, gate, eventId }: Sale, zoneId: string): boolean {
  const { generation, version } = ledger.tables.zones.get(zoneId) as ZoneRow;
  const view = gate.look(eventId, zoneId);
  return view?.generation === generation && view.version === version;
}

function checkHolds({ ledger, world }: Sale): string[] {
  return [...ledger.tables.bookings.values()]
    .filter(({ status, expiresAtMs }) => status === 'reserved' && expiresAtMs <= world.clock.now())
    .map(({ bookingId }) => `the hold of ${bookingId} is overdue`);
}

/** Asked when nothing is under way. A gate that was lost and not missed yet is passed over. */
export function checkLevelGate(sale: Sale): string[] {
  const { ledger, gate, eventId, zoneIds } = sale;
  if (!zoneIds.every((zoneId) => isLevel(sale, zoneId))) return [];
  const broken: string[] = [];
  const bookings = [...ledger.tables.bookings.values()];
  for (const zoneId of zoneIds) {
    const row = ledger.tables.zones.get(zoneId) as ZoneRow;
    const zone = gate.look(eventId, zoneId)?.zone as Zone;
    const { available, held, sold } = zone;
    if (available !== row.available || held !== row.held || sold !== row.sold)
      broken.push(
        `counters of ${zoneId} differ: gate ${available}/${held}/${sold}, ledger ${row.available}/${row.held}/${row.sold}`,
      );
    const expected = bookings
      .filter((booking) => booking.zoneId === zoneId && booking.status === 'reserved')
      .map(({ bookingId, userId, quantity, expiresAtMs }) => ({ bookingId, userId, quantity, expiresAtMs }));
    if (canonical(expected) !== canonical([...zone.holds.values()])) broken.push(`holds of ${zoneId} differ`);
    if (canonical([...zone.event.seatsOfUser]) !== canonical([...seatsOfUsers(bookings)]))
      broken.push('totals of the users differ');
    if (canonical([...zone.event.keys.keys()]) !== canonical(bookings.map(({ key }) => key)))
      broken.push('the gate remembers other keys than made bookings');
  }
  return broken;
}

/** Each booking was told of once when it was made, and once for each state it reached that others must hear of. */
function checkOutbox({ ledger }: Sale): string[] {
  const told = ledger.tables.outbox.flat().map(({ id }) => id);
  const broken = told.length === new Set(told).size ? [] : ['an event was written twice'];
  for (const { bookingId, status } of ledger.tables.bookings.values()) {
    const types = ['created', ...(status === 'reserved' ? [] : [status])];
    for (const type of types)
      if (!told.includes(`booking.${type}:${bookingId}`)) broken.push(`booking.${type} of ${bookingId} was never told`);
  }
  return broken;
}

function seatsOfUsers(bookings: readonly KeyedBooking[]): Map<string, number> {
  const seats = new Map<string, number>();
  for (const { userId, status, quantity } of bookings)
    if (status === 'reserved' || status === 'confirmed') seats.set(userId, (seats.get(userId) ?? 0) + quantity);
  return seats;
}

function sum(bookings: readonly { readonly quantity: number }[]): number {
  return bookings.reduce((seats, { quantity }) => seats + quantity, 0);
}

function canonical(items: readonly unknown[]): string {
  return items
    .map((item) => JSON.stringify(item))
    .sort()
    .join();
}
