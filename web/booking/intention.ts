/**
 * What somebody is about to buy, with the key that makes it one purchase: made once, kept over retries and reloads of this tab, another
 * one only when something else is wanted.
 */
import type { Wanted } from '../api/shop.ts';

export interface Intention extends Wanted {
  /** The Idempotency-Key. */
  readonly key: string;
}

type Shelf = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

const shelfKey = (eventId: string) => `onsale intention ${eventId}`;

/** What was wanted of an event before this page was loaded; null: nothing, or it was bought. */
export function keptIntention(shelf: Shelf, eventId: string): Intention | null {
  try {
    return JSON.parse(shelf.getItem(shelfKey(eventId)) ?? 'null');
  } catch {
    return null;
  }
}

/** The intention to buy `wanted`: the kept one when it is for the same. */
export function intentionFor(shelf: Shelf, wanted: Wanted, newKey: () => string): Intention {
  const kept = keptIntention(shelf, wanted.eventId);
  if (kept !== null && kept.zoneId === wanted.zoneId && kept.quantity === wanted.quantity) return kept;
  const intention = { ...wanted, key: newKey() };
  shelf.setItem(shelfKey(wanted.eventId), JSON.stringify(intention));
  return intention;
}

/** It was bought: the next purchase of the same is another one. */
export function fulfil(shelf: Shelf, eventId: string): void {
  shelf.removeItem(shelfKey(eventId));
}

/** 128 random bits. Not `randomUUID`, which browsers keep from pages without TLS. */
export function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
