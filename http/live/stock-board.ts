/** What is left of each zone of an event, as messages that are made once, however many are told. */
import type { RoomNews } from '../../actors/waiting-room-requests.ts';
import { timeText } from '../booking-view.ts';
import { encoded } from './messages.ts';

interface Notice {
  readonly available: number;
  /** Number of the news that brought it. */
  readonly number: number;
  readonly message: Uint8Array;
}

export class StockBoard {
  readonly #notices = new Map<string, Notice>();

  /** Takes down what has changed; `number` is higher than that of all news before. */
  update(number: number, { zones, atMs }: Pick<RoomNews, 'zones' | 'atMs'>): void {
    for (const { zoneId, available } of zones) {
      if (this.#notices.get(zoneId)?.available === available) continue;
      const fields = { zone_id: zoneId, available, server_time: timeText(atMs) };
      this.#notices.set(zoneId, { available, number, message: encoded({ type: 'availability', ...fields }) });
    }
  }

  /** What has changed since the news of that number; everything since 0. */
  since(number: number): readonly Uint8Array[] {
    const messages: Uint8Array[] = [];
    for (const notice of this.#notices.values()) if (notice.number > number) messages.push(notice.message);
    return messages;
  }
}
