/**
 * The cells of a payment drill: one fault meets a payment before, at and after the end of its hold. Owns the staging of
 * the four bookings of a fault and the look at what became of them; what strikes is in faults.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Buyer, eventually } from '../buyer.ts';
import type { NodeUnderTest } from '../node-under-test.ts';
import { payWithCard } from '../sandbox-buyer.ts';

const times = ['before expiry', 'at expiry', 'after expiry, seat free', 'after expiry, seat sold'] as const;

/** A booking of one seat whose payment was begun while its hold lived. */
export interface Cell {
  readonly buyer: Buyer;
  readonly bookingId: string;
  readonly clientSecret: string;
  readonly expiresAtMs: number;
  /** Somebody else buys the only seat, once the hold is gone. */
  readonly sellOut: () => Promise<void>;
}

/** Where a booking and its money came to rest. */
export interface Ending {
  readonly status: string;
  readonly charges: number;
  /** Charges whose money went back to the last unit. */
  readonly returned: number;
  readonly tickets: number;
}

const sold: Ending = { status: 'confirmed', charges: 1, returned: 0, tickets: 1 };
const refunded: Ending = { status: 'refunded', charges: 1, returned: 1, tickets: 0 };
export const unpaid: Ending = { status: 'expired', charges: 0, returned: 0, tickets: 0 };

/** What a payment that is made in the end must come to, in the order of `times`. */
export const paidEndings = [sold, sold, sold, refunded] as const;

export interface Strike {
  /** The buyer goes to the provider while the fault is in force. */
  readonly charge: (cell: Cell, node: NodeUnderTest) => Promise<void>;
  /** @default paidEndings */
  readonly endings?: readonly Ending[];
  /** In force already when the payments are begun. */
  readonly arm?: (node: NodeUnderTest) => Promise<void>;
  /** What still comes when all has ended, and must change nothing. */
  readonly aftermath?: (node: NodeUnderTest) => Promise<void>;
}

const goodCard = '4242424242424242';

export async function card(node: NodeUnderTest, { clientSecret }: Cell, number = goodCard) {
  return await payWithCard(node.shop.sandbox.url, clientSecret, number);
}

/** Runs one fault through all times. The endings that were seen last: the right ones, or what was there instead. */
export async function drill(node: NodeUnderTest, strike: Strike): Promise<readonly Ending[]> {
  const { charge, endings = paidEndings } = strike;
  await strike.arm?.(node);
  const cells = await Promise.all(times.map(() => stage(node)));
  const [before, at, late, tooLate] = cells as [Cell, Cell, Cell, Cell];
  await charge(before, node);
  await delay(Math.max(0, at.expiresAtMs - Date.now()));
  await charge(at, node);
  for (const { buyer, bookingId } of [late, tooLate]) await buyer.sees(bookingId, 'expired');
  await tooLate.sellOut();
  for (const cell of [late, tooLate]) await charge(cell, node);
  const seen = await atEnd(node, cells, endings);
  if (!strike.aftermath) return seen;
  await strike.aftermath(node);
  return await atEnd(node, cells, endings);
}

async function stage(node: NodeUnderTest): Promise<Cell> {
  const { eventId, zoneId } = await node.putOnSale({ seats: 1 });
  const order = { event_id: eventId, zone_id: zoneId, quantity: 1 };
  const [buyer, other] = (await node.crowd(2)) as [Buyer, Buyer];
  const { data } = await buyer.reserve(order);
  const { booking_id: bookingId, expires_at: expiresAt } = data;
  const begun = await buyer.pay(bookingId);
  if (begun.status !== 201) throw new Error(`the payment was refused: ${begun.text}`);
  const { client_secret: clientSecret } = begun.data;
  const sellOut = async () => {
    const bookingId = await other.hold(order);
    const payment = await other.pay(bookingId);
    await payWithCard(node.shop.sandbox.url, payment.data.client_secret, goodCard);
    await other.sees(bookingId, 'confirmed');
  };
  return { buyer, bookingId, clientSecret, expiresAtMs: Date.parse(expiresAt), sellOut };
}

async function atEnd(node: NodeUnderTest, cells: readonly Cell[], expected: readonly Ending[]) {
  return await Promise.all(
    cells.map(async (cell, index) => {
      const wanted = JSON.stringify(expected[index]);
      const arrived = () =>
        eventually(async () => {
          if (JSON.stringify(await endingOf(node, cell)) !== wanted) throw new Error('it is not there yet');
        });
      await arrived().catch(() => {});
      return endingOf(node, cell);
    }),
  );
}

async function endingOf(node: NodeUnderTest, { buyer, bookingId }: Cell): Promise<Ending> {
  const [{ data }, tickets, charges] = await Promise.all([
    buyer.booking(bookingId),
    buyer.tickets(bookingId),
    node.chargesOf(bookingId),
  ]);
  const returned = charges.filter(({ amount, refunded }) => refunded === amount);
  return { status: data.status, charges: charges.length, returned: returned.length, tickets: tickets.length };
}

/** A line a fault, a column a time; what is not as it should be says so. */
export function tableOf(rows: ReadonlyMap<string, readonly Ending[]>, expected: (fault: string) => readonly Ending[]) {
  const text = (ending: Ending | undefined, wanted: Ending | undefined) => {
    if (!ending) return 'did not run';
    const { status, charges, returned, tickets } = ending;
    const isRight = JSON.stringify(ending) === JSON.stringify(wanted);
    return `${isRight ? '' : 'WRONG: '}${status}, ${charges} charged, ${returned} returned, ${tickets} ticket`;
  };
  const lines = [...rows].map(([fault, endings]) => [
    fault,
    ...times.map((_, i) => text(endings[i], expected(fault)[i])),
  ]);
  const table = [['fault', ...times], ...lines];
  const widths = ['', ...times].map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0)));
  return table.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')).join('\n');
}
