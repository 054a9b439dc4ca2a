/** Which holds run out when: a binary heap by time. An entry is a reminder, not a truth; stale ones are harmless. */

interface Deadline {
  readonly atMs: number;
  readonly bookingId: string;
}

export class Deadlines {
  readonly #heap: Deadline[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** When the next one is due; null when there is none. */
  get nextAtMs(): number | null {
    return this.#heap[0]?.atMs ?? null;
  }

  add(bookingId: string, atMs: number): void {
    const heap = this.#heap;
    const entry = { atMs, bookingId };
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Deadline;
      if (above.atMs <= atMs) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  /** Removes and answers up to `max` bookings that are due at `nowMs`, the earliest first. */
  takeDue(nowMs: number, max: number): string[] {
    const due: string[] = [];
    for (let first = this.#heap[0]; first && first.atMs <= nowMs && due.length < max; first = this.#heap[0]) {
      due.push(first.bookingId);
      this.#removeFirst();
    }
    return due;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as Deadline;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && (heap[right] as Deadline).atMs < (heap[child] as Deadline).atMs) child = right;
      if ((heap[child] as Deadline).atMs >= last.atMs) break;
      heap[at] = heap[child] as Deadline;
      at = child;
    }
    heap[at] = last;
  }
}
