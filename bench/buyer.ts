/**
 * One buyer from the first click to the end: gets seats or goes home, then does what this buyer is like. Draws every
 * choice from its own chance, and notes what it was promised.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { AckedBooking } from '../engine/audit.ts';
import type { AckedLog } from './acked-log.ts';
import type { Board } from './board.ts';
import type { Chance } from './chance.ts';
import type { HeldSeats, ShopClient } from './shop-client.ts';

/**
 * What a buyer does with held seats. `pays-and-waits` leaves it to the provider's notice to confirm the booking;
 * `pays-late` has the payment page open and pays around the time at which the hold ends.
 */
export type Manner = 'pays' | 'pays-and-waits' | 'pays-late' | 'second-card' | 'bad-card' | 'cancels' | 'walks-away';

/** How it ended. `went-home`: everything was sold, or it took too long. `at-limit`: the user may have no more. */
export type Ending = 'confirmed' | 'cancelled' | 'expired' | 'refunded' | 'went-home' | 'at-limit';

export interface BuyerEnd {
  readonly ending: Ending;
  /** Of the booking; 0 when there was none. */
  readonly seats: number;
}

export interface Buyer {
  readonly userId: string;
  readonly token: string;
  readonly manner: Manner;
  readonly chance: Chance;
  /** Begins every key of this buyer, so that no other uses it. */
  readonly keyPrefix: string;
}

export interface Scene {
  readonly eventId: string;
  /** How long somebody without seats keeps looking. */
  readonly waitMs: number;
  readonly shop: ShopClient;
  readonly board: Board;
  readonly acked: AckedLog;
}

const goodCards = ['4242424242424242', '5555555555554444'];
const badCards = ['4000000000000002', '4000000000009995', '4000000000009987', '4000000000000069'];
const quantityMost = 4;
/** From a look at the page to the click. */
const clickMostMs = 400;
/** Who finds nothing looks again after this long, each in a rhythm of their own. */
const refreshLeastMs = 500;
const refreshMostMs = 3_000;
const lookPeriodMs = 500;
const lateMostMs = 1_000;
/** A hold must end this soon after its time, and a paid booking be settled this soon. */
const endPatienceMs = 60_000;

/** Rejects when an answer is not what the API promises, or a hold does not end. */
export async function buy(buyer: Buyer, scene: Scene): Promise<BuyerEnd> {
  const held = await getSeats(buyer, scene);
  if (held === 'went-home' || held === 'at-limit') return { ending: held, seats: 0 };
  return { ending: await endOf(buyer, scene, held), seats: held.quantity };
}

async function getSeats(buyer: Buyer, { eventId, waitMs, shop, board, acked }: Scene) {
  const { userId, token, chance } = buyer;
  let quantity = chance.between(1, quantityMost);
  const untilMs = performance.now() + waitMs;
  for (let tries = 1; ; tries++) {
    const zoneId = await chooseZone(board, chance, untilMs);
    if (zoneId === null) return 'went-home';
    const key = `${buyer.keyPrefix}-${tries}`;
    const answer = await shop.reserve({ token, key, zoneId, quantity });
    if (!('refused' in answer)) {
      acked.note({ ...answer, userId, eventId, status: 'reserved', key });
      return { ...answer, key };
    }
    if (answer.refused === 'limit') return 'at-limit';
    // Somebody who came for four takes the last two.
    if (answer.left > 0) quantity = Math.min(quantity, answer.left);
    else await delay(chance.between(refreshLeastMs, refreshMostMs));
  }
}

/** A zone that shows free seats, as soon as a look at the page finds one; null when it is time to go home. */
async function chooseZone(board: Board, chance: Chance, untilMs: number): Promise<string | null> {
  while (!board.isOver && performance.now() < untilMs) {
    const free = board.zones.filter((zone) => zone.available > 0);
    await delay(free.length > 0 ? chance.between(0, clickMostMs) : chance.between(refreshLeastMs, refreshMostMs));
    if (free.length > 0) return free[chance.between(0, free.length - 1)]?.zoneId ?? null;
  }
  return null;
}

type Held = HeldSeats & { readonly key: string };

async function endOf(buyer: Buyer, scene: Scene, held: Held): Promise<Ending> {
  switch (buyer.manner) {
    case 'cancels': {
      const cancelled = (await scene.shop.cancel(buyer.token, held.bookingId)) === 'cancelled';
      if (cancelled) note(buyer, scene, held, 'cancelled');
      return cancelled ? 'cancelled' : watchTheEnd(buyer, scene, held);
    }
    case 'walks-away':
      return watchTheEnd(buyer, scene, held);
    case 'pays':
    case 'pays-and-waits':
    case 'pays-late':
      return payWith(buyer, scene, held, [drawn(goodCards, buyer.chance)]);
    case 'second-card':
      return payWith(buyer, scene, held, [drawn(badCards, buyer.chance), drawn(goodCards, buyer.chance)]);
    case 'bad-card':
      return payWith(buyer, scene, held, [drawn(badCards, buyer.chance)]);
  }
}

async function payWith(buyer: Buyer, scene: Scene, held: Held, cards: readonly string[]): Promise<Ending> {
  const { shop } = scene;
  for (const card of cards) {
    const clientSecret = await shop.pay(buyer.token, held.bookingId);
    if (clientSecret === null) break;
    if (buyer.manner === 'pays-late') await untilAboutTheEnd(buyer, scene, held);
    if ((await shop.card(clientSecret, card)) === 'taken') return seeItThrough(buyer, scene, held);
  }
  return watchTheEnd(buyer, scene, held);
}

/** Just before the hold ends, or just after. */
async function untilAboutTheEnd({ token, chance }: Buyer, { shop }: Scene, { bookingId }: Held): Promise<void> {
  const { expiresAtMs } = await shop.look(token, bookingId);
  await delay(Math.max(0, expiresAtMs - Date.now() + chance.between(-lateMostMs, lateMostMs)));
}

/** Who has paid stays until there are tickets, or the money is back: also when the hold ran out meanwhile. */
async function seeItThrough(buyer: Buyer, scene: Scene, held: Held): Promise<Ending> {
  const { shop } = scene;
  const asks = buyer.manner !== 'pays-and-waits';
  for (const deadlineMs = Date.now() + endPatienceMs; ; await delay(lookPeriodMs)) {
    if (asks && (await shop.confirm(buyer.token, held.bookingId)) === 'confirmed') {
      note(buyer, scene, held, 'confirmed');
      return 'confirmed';
    }
    const { status } = await shop.look(buyer.token, held.bookingId);
    if (status === 'refunded' || (status === 'confirmed' && !asks)) return status;
    if (Date.now() > deadlineMs) throw new Error(`booking ${held.bookingId} is paid for and still ${status}`);
  }
}

/** Looks at the booking until it is not held any more. */
async function watchTheEnd(buyer: Buyer, { shop }: Scene, { bookingId }: Held): Promise<Ending> {
  for (;;) {
    const { status, expiresAtMs } = await shop.look(buyer.token, bookingId);
    if (status !== 'reserved') return status;
    const leftMs = expiresAtMs - Date.now();
    if (leftMs < -endPatienceMs) throw new Error(`booking ${bookingId} is still held long after its time`);
    await delay(Math.max(lookPeriodMs, leftMs));
  }
}

function note({ userId }: Buyer, { eventId, acked }: Scene, held: Held, status: AckedBooking['status']): void {
  acked.note({ ...held, userId, eventId, status });
}

function drawn(cards: readonly string[], chance: Chance): string {
  return cards[chance.between(0, cards.length - 1)] as string;
}
