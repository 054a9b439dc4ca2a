/**
 * Who is there: live connections by user, and who was seen in the last minute. Knows nothing of places.
 */

/** Users who are looked at again within this time count as live. */
const liveMs = 60_000;

export class LivePresence {
  readonly #connections = new Map<string, number>();
  /** Two generations: whoever is in neither was not seen for a minute or two. */
  #young = new Set<string>();
  #old = new Set<string>();
  #turnedAtMs = 0;

  seen(userId: string, nowMs: number): void {
    if (nowMs - this.#turnedAtMs >= liveMs) {
      this.#old = this.#young;
      this.#young = new Set();
      this.#turnedAtMs = nowMs;
    }
    this.#young.add(userId);
    this.#old.delete(userId);
  }

  connected(userId: string): void {
    this.#connections.set(userId, (this.#connections.get(userId) ?? 0) + 1);
  }

  disconnected(userId: string): void {
    const left = (this.#connections.get(userId) ?? 0) - 1;
    if (left > 0) this.#connections.set(userId, left);
    else this.#connections.delete(userId);
  }

  isConnected(userId: string): boolean {
    return this.#connections.has(userId);
  }

  /** Users who are or were just there. */
  get users(): number {
    return Math.max(this.#connections.size, this.#young.size + this.#old.size);
  }
}
