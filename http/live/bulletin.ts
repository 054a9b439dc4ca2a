/** What there is to tell everybody in a room: the newest message, made once, and what is left of each zone. */
import type { RoomNews } from '../../actors/waiting-room-requests.ts';
import type { RoomMessage } from '../live-view.ts';
import { roomMessage, whatChanged } from './messages.ts';
import { StockBoard } from './stock-board.ts';

export class Bulletin {
  readonly #eventId: string;
  readonly #stock = new StockBoard();
  #news: RoomNews | null = null;
  #message: Uint8Array | null = null;
  #type: RoomMessage['type'] = 'position';
  #number = 0;

  constructor(eventId: string) {
    this.#eventId = eventId;
  }

  get news(): RoomNews | null {
    return this.#news;
  }

  get message(): Uint8Array | null {
    return this.#message;
  }

  /** Of the newest news: higher than that of all before. 0: there were none. */
  get number(): number {
    return this.#number;
  }

  /**
   * @param isGoingRound Whether some may still have to hear of what came before.
   * @returns Whether the news may wait: nothing has changed but numbers.
   */
  post(news: RoomNews, isGoingRound: boolean): boolean {
    const change = whatChanged(news, this.#news);
    const canWait = change === 'position';
    this.#news = news;
    this.#stock.update(++this.#number, news);
    // Whoever has not heard of a change hears of it with the news that came after it.
    if (!canWait || !isGoingRound) this.#type = change;
    this.#message = roomMessage(this.#eventId, news, this.#type);
    return canWait;
  }

  /** What has changed of the stock since the news of that number; everything since 0. */
  stockSince(number: number): readonly Uint8Array[] {
    return this.#stock.since(number);
  }
}
