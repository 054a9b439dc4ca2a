/**
 * Which holds run out when: a binary heap by time. An entry is a reminder, not a truth; stale ones are harmless.
 * Times and bookings stand in two arrays, because hundreds of thousands of little objects would be walked by each
 * garbage collection.
 */
export class Deadlines {
  readonly #atMs: number[] = [];
  readonly #bookingIds: string[] = [];

  get size(): number {
    return this.#atMs.length;
  }

  /** When the next one is due; null when there is none. */
  get nextAtMs(): number | null {
    return this.#atMs[0] ?? null;
  }

  add(bookingId: string, atMs: number): void {
    let at = this.#atMs.push(atMs) - 1;
    this.#bookingIds.push(bookingId);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#timeAt(parent) <= atMs) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, bookingId, atMs);
  }

  /** Removes and answers up to `max` bookings that are due at `nowMs`, the earliest first. */
  takeDue(nowMs: number, max: number): string[] {
    const due: string[] = [];
    while (due.length < max && this.#atMs.length > 0 && this.#timeAt(0) <= nowMs) {
      due.push(this.#bookingIds[0] as string);
      this.#removeFirst();
    }
    return due;
  }

  #removeFirst(): void {
    const lastAtMs = this.#atMs.pop() as number;
    const lastId = this.#bookingIds.pop() as string;
    const size = this.#atMs.length;
    if (size === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#timeAt(child + 1) < this.#timeAt(child)) child++;
      if (this.#timeAt(child) >= lastAtMs) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, lastId, lastAtMs);
  }

  #timeAt(at: number): number {
    return this.#atMs[at] as number;
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#bookingIds[from] as string, this.#timeAt(from));
  }

  #put(at: number, bookingId: string, atMs: number): void {
    this.#atMs[at] = atMs;
    this.#bookingIds[at] = bookingId;
  }
}
