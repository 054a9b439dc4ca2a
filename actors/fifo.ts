/** A queue whose `shift` stays cheap when it is long. */

/** Items taken, whose room is not given back yet. */
const goneMax = 4_096;

export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head >= goneMax && 2 * this.#head > this.#items.length) {
      // One that is never empty would keep the room of all that ever passed. Each move is paid for by as many shifts.
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Removes and answers up to `max` items, oldest first. */
  take(max: number): T[] {
    const taken: T[] = [];
    while (taken.length < max && this.length > 0) taken.push(this.shift() as T);
    return taken;
  }
}
