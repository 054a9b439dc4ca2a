/** A visitor of a waiting room over HTTP, the admin who sets its terms, and its published log before the verifier. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject } from 'vitest';
import { signAccessToken } from '../http/auth.ts';
import { type Answer, type BookingShown, type Buyer, buyerWith, eventually } from './buyer.ts';
import { runOnsale } from './node-process.ts';
import { type OnSale, tokenSecret } from './node-under-test.ts';

export interface StandingShown {
  readonly status: string;
  readonly place: number;
  readonly position: number;
  readonly total: number;
  readonly token: string;
  readonly queue_pass: string;
  readonly expires_at: string;
}

export function joinRoom(who: Buyer, { eventId }: Pick<OnSale, 'eventId'>): Promise<Answer<StandingShown>> {
  return who.post('/queue/join', { event_id: eventId });
}

export function standingOf(who: Buyer, { eventId }: OnSale): Promise<Answer<StandingShown>> {
  return who.ask(`/queue/position/${eventId}`);
}

/** Resolves with the pass of somebody who is let in. */
export function passOf(who: Buyer, sale: OnSale): Promise<string> {
  return eventually(async () => {
    const { data } = await standingOf(who, sale);
    expect(data?.status).toBe('admitted');
    return data.queue_pass;
  });
}

/** One seat, with a key of its own, unless more is said. */
export function reserveWith(
  pass: string,
  who: Buyer,
  sale: OnSale,
  { quantity = 1, key = randomUUID() }: { readonly quantity?: number; readonly key?: string } = {},
): Promise<Answer<BookingShown>> {
  const order = { event_id: sale.eventId, zone_id: sale.zoneId, quantity };
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key, 'X-Queue-Pass': pass };
  return who.ask('/bookings/reserve', { method: 'POST', headers, body: JSON.stringify(order) });
}

export type Configure = (terms: object, sale: Pick<OnSale, 'eventId'>) => Promise<Answer<unknown>>;

/** An admin, who asks the node at `address`. */
export async function adminOf(address: () => string): Promise<Buyer> {
  const id = randomUUID();
  const times = { nowMs: Date.now(), ttlSeconds: 900 };
  const token = await signAccessToken(tokenSecret, { id, role: 'admin', tokenId: randomUUID() }, times);
  return buyerWith(address, { userId: id, token });
}

/** Sets terms as an admin of the node at `address`. */
export async function roomAdmin(address: () => string): Promise<Configure> {
  const admin = await adminOf(address);
  return (terms, { eventId }) =>
    admin.ask(`/admin/queue/${eventId}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(terms),
    });
}

/** Has `onsale fairness verify` judge the log as anybody can get it. Its exit code and what it said. */
export async function verifiedLog(anybody: Buyer, { eventId }: OnSale): Promise<{ code: number | null; said: string }> {
  const pages: string[] = [];
  for (let cursor: string | null = '0'; cursor !== null; ) {
    const page: Answer<unknown> = await anybody.ask(`/events/${eventId}/fairness?cursor=${cursor}`);
    expect(page.status, page.text).toBe(200);
    pages.push(page.text);
    cursor = page.meta.next_cursor;
  }
  const file = join(mkdtempSync(join(inject('storesFolder'), 'fairness-')), 'log.jsonl');
  writeFileSync(file, `${pages.join('\n')}\n`);
  const { code, stdout, stderr } = await runOnsale(['fairness', 'verify', file]);
  return { code, said: stdout + stderr };
}
