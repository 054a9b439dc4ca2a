/** How many there are of each: connections of a user, of an address, of a kind. Forgets whoever has none. */
export class Turnstile {
  readonly #counts = new Map<string, number>();

  count(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Counts one more, unless there are `max` already. */
  enter(key: string, max = Number.POSITIVE_INFINITY): boolean {
    const count = this.count(key);
    if (count >= max) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  leave(key: string): void {
    const left = this.count(key) - 1;
    if (left > 0) this.#counts.set(key, left);
    else this.#counts.delete(key);
  }
}
