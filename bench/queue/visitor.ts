/** One person of the measured sale: joins over a live connection, waits, and buys when let in, or does not show up. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Chance } from '../chance.ts';
import type { Address } from '../load/connection.ts';
import type { ShopClient } from '../shop-client.ts';
import { type LiveSocket, openLiveSocket } from './live-socket.ts';

export interface Visit {
  /** Of the place that the room told. */
  readonly place: number;
  readonly joinedAtMs: number;
  readonly admittedAtMs: number;
  /** When the slot was free again, as the visitor sees it. */
  readonly endedAtMs: number;
  readonly hasBought: boolean;
}

export interface Visiting {
  readonly address: Address;
  readonly eventId: string;
  readonly zoneId: string;
  readonly user: { readonly user_id: string; readonly token: string };
  readonly chance: Chance;
  readonly shop: ShopClient;
  /** Of a hundred. */
  readonly noShows: number;
  readonly checkoutMs: { readonly least: number; readonly most: number };
  /** Told of every message for everybody. */
  readonly heard: (payload: Buffer) => void;
  /** Told when the place is there. */
  readonly placed: () => void;
}

const card = '4242424242424242';
/** Rejects when the connection is lost, or when somebody who was admitted cannot buy. */
export async function visit(visiting: Visiting): Promise<Visit> {
  const { chance, noShows, checkoutMs } = visiting;
  const { place, joinedAtMs, admittedAtMs, pass, passEndsAtMs } = await letIn(visiting);
  const told = { place, joinedAtMs, admittedAtMs };
  if (chance.between(1, 100) <= noShows) {
    await delay(Math.max(0, passEndsAtMs - Date.now()));
    return { ...told, endedAtMs: passEndsAtMs, hasBought: false };
  }
  await buyWith(pass, visiting, chance.between(checkoutMs.least, checkoutMs.most));
  return { ...told, endedAtMs: Date.now(), hasBought: true };
}

interface LetIn extends Pick<Visit, 'place' | 'joinedAtMs' | 'admittedAtMs'> {
  readonly pass: string;
  readonly passEndsAtMs: number;
}

const isForEverybody = Buffer.from('{"type":"position"');

/** Comes again when sent away for the moment, and asks again when the room has no time, as the pages do. */
function letIn({ address, eventId, user, heard, placed }: Visiting): Promise<LetIn> {
  return new Promise((resolve, reject) => {
    let place = 0;
    let joinedAtMs = 0;
    let socket: LiveSocket;
    const join = () => {
      joinedAtMs ||= Date.now();
      socket.send({ type: 'join' });
    };
    const hasPlace = (message: { readonly place: number | null }) => {
      if (place === 0) placed();
      place = message.place ?? place;
    };
    const hear = (payload: Buffer) => {
      if (payload.indexOf(isForEverybody) === 0) return heard(payload);
      const message = JSON.parse(payload.toString());
      const { reconnect_after_ms: comeBackMs = null, retry_after_seconds: askAgainSeconds = null } = message;
      if (message.status === 'waiting') hasPlace(message);
      else if (message.status === 'admitted') {
        if (place === 0) placed();
        socket.close();
        const passEndsAtMs = Date.parse(message.expires_at);
        resolve({ place, joinedAtMs, admittedAtMs: Date.now(), pass: message.queue_pass, passEndsAtMs });
      } else if (comeBackMs !== null) {
        socket.close();
        setTimeout(come, comeBackMs);
      } else if (askAgainSeconds !== null) setTimeout(join, 1_000 * askAgainSeconds);
      else if (message.type === 'refused' || message.type === 'goodbye' || message.type === 'left')
        reject(new Error(payload.toString()));
    };
    const come = () => {
      const lost = (why: string) => reject(new Error(`a live connection was lost: ${why}`));
      socket = openLiveSocket(address, { eventId, token: user.token }, { opened: join, message: hear, lost });
    };
    come();
  });
}

async function buyWith(pass: string, { shop, user, zoneId }: Visiting, checkoutMs: number): Promise<void> {
  const { user_id: key, token } = user;
  const held = await shop.reserve({ token, key, zoneId, quantity: 1, pass });
  if ('refused' in held) throw new Error(`somebody who was admitted was refused: ${held.refused}`);
  await delay(checkoutMs);
  const secret = await shop.pay(token, held.bookingId);
  if (secret === null || (await shop.card(secret, card)) !== 'taken') throw new Error('a payment was not taken');
  if ((await shop.confirm(token, held.bookingId)) !== 'confirmed') throw new Error('a paid booking was not confirmed');
}
