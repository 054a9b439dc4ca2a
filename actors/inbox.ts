/**
 * The bounded buffer in front of an actor that works in batches. nact runs one message an actor and event-loop turn, so a
 * message per request would cap a hot zone; here requests gather, and the actor is woken once for all that wait.
 */
import { Fifo } from './fifo.ts';

export class Inbox<T> {
  readonly #items = new Fifo<T>();
  readonly #max: number;
  readonly #wake: () => void;
  #woken = false;
  #wakeAt = 1;

  /** `wake` is called once for everything that arrives until the next `take`. */
  constructor(max: number, wake: () => void) {
    this.#max = max;
    this.#wake = wake;
  }

  get length(): number {
    return this.#items.length;
  }

  /** False when as many wait as may: the caller answers "not now". */
  offer(item: T, max = this.#max): boolean {
    if (this.#items.length >= max) return false;
    this.#items.push(item);
    if (!this.#woken && this.#items.length >= this.#wakeAt) {
      this.#woken = true;
      this.#wake();
    }
    return true;
  }

  /** Takes nothing for now; wakes again once `enough` wait. */
  leave(enough: number): void {
    this.#woken = false;
    this.#wakeAt = enough;
  }

  take(max: number): T[] {
    this.#woken = false;
    this.#wakeAt = 1;
    return this.#items.take(max);
  }
}
