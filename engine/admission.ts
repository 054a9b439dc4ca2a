/**
 * How many may be admitted now: as many as there are free slots, as the rate allows, and as can still buy something.
 * Who they are is the order of the lines (waiting-room.ts).
 */
import type { RoomTerms, WaitingRoom } from './waiting-room.ts';

/** What can be bought of an event at this moment, and when. Times are epoch ms. */
export interface Stock {
  readonly saleStartMs: number;
  readonly saleEndMs: number;
  readonly available: number;
  readonly held: number;
  /** Of each zone, whatever it sells. */
  readonly zones: readonly ZoneLeft[];
}

export interface ZoneLeft {
  readonly zoneId: string;
  readonly available: number;
}

/** Nothing is left and nothing that is held could come back. */
export function isSoldOut({ available, held }: Pick<Stock, 'available' | 'held'>): boolean {
  return available <= 0 && held <= 0;
}

/** Fewer ended checkouts than this say nothing about the next ones. */
const checkoutsMin = 20;

/** What the checkouts of a room were like so far. */
export class CheckoutRecord {
  #made = 0;
  #seats = 0;
  #paid = 0;
  #returned = 0;

  made(seats: number): void {
    this.#made++;
    this.#seats += seats;
  }

  ended(paid: boolean): void {
    if (paid) this.#paid++;
    else this.#returned++;
  }

  /** Seats that one pass takes. At least 1. */
  get seatsPerPass(): number {
    return this.#made === 0 ? 1 : Math.max(1, this.#seats / this.#made);
  }

  /** The share of held seats that come back, 0 … 1. Careful: 0 until there is something to go by. */
  get returnShare(): number {
    const ended = this.#paid + this.#returned;
    return ended < checkoutsMin ? 0 : this.#returned / ended;
  }
}

/** Passes that what is on sale can serve, those that are out included. */
function passesServed({ available, held }: Stock, record: CheckoutRecord): number {
  if (available <= 0) return Math.floor((held * record.returnShare) / record.seatsPerPass);
  const expected = available + Math.floor(held * record.returnShare);
  return Math.max(1, Math.floor(expected / record.seatsPerPass));
}

/** How many may be admitted at `nowMs`. `rateBudget`: how many the rate leaves (AdmissionRate). */
export function admissible(
  room: WaitingRoom,
  stock: Stock,
  {
    record,
    rateBudget,
    nowMs,
  }: { readonly record: CheckoutRecord; readonly rateBudget: number; readonly nowMs: number },
): number {
  const { mode, maxConcurrent } = room.terms;
  if (mode !== 'open' && mode !== 'drain') return 0;
  if (nowMs < stock.saleStartMs || nowMs >= stock.saleEndMs) return 0;
  const slots = maxConcurrent - room.active.size;
  const served = passesServed(stock, record) - room.passesOut;
  return Math.max(0, Math.min(slots, served, rateBudget));
}

/** Keeps `rate_per_minute` smooth: a budget that fills by the second and holds no more than one second's worth. */
export class AdmissionRate {
  #budget = 1;
  #atMs = Number.NEGATIVE_INFINITY;

  /** Whole admissions that the rate leaves at `nowMs`. A clock that was set back only waits. */
  left({ ratePerMinute }: RoomTerms, nowMs: number): number {
    if (ratePerMinute === null) return Number.POSITIVE_INFINITY;
    const perMs = ratePerMinute / 60_000;
    const elapsedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    this.#budget = Math.min(Math.max(1, perMs * 1_000), this.#budget + perMs * elapsedMs);
    return Math.floor(this.#budget);
  }

  take(admissions: number): void {
    this.#budget = Math.max(0, this.#budget - admissions);
  }
}
