/** What every buyer sees on the page of the show: how many seats are left, read a few times a second for all of them. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ShopClient, ZoneBoard } from './shop-client.ts';

export interface Board {
  /** As last read; empty before the first time. */
  readonly zones: readonly ZoneBoard[];
  /** Nothing can be bought any more: every seat is sold, or the board was closed. */
  readonly isOver: boolean;
  readonly isSoldOut: boolean;
  close(): Promise<void>;
}

const periodMs = 250;

export function openBoard(shop: Pick<ShopClient, 'zones'>): Board {
  let zones: readonly ZoneBoard[] = [];
  let isClosed = false;
  const isSoldOut = () => zones.length > 0 && zones.every((zone) => zone.sold === zone.capacity);

  const read = async () => {
    while (!isClosed) {
      // While the server is away the page shows what it showed.
      zones = await shop.zones().catch(() => zones);
      await delay(periodMs);
    }
  };
  const reading = read();

  return {
    get zones() {
      return zones;
    },
    get isOver() {
      return isClosed || isSoldOut();
    },
    get isSoldOut() {
      return isSoldOut();
    },
    async close() {
      isClosed = true;
      await reading;
    },
  };
}
