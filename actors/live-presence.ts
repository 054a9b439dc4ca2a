/**
 * Who is there: users with live connections, by the door that they came through, and who was seen in the last minute.
 * Knows nothing of places.
 */

/** Users who are looked at again within this time count as live. */
const liveMs = 60_000;

export class LivePresence {
  /** One door a node and room: what is behind it goes with its node. */
  readonly #doors = new Map<string, Set<string>>();
  /** Two generations: whoever is in neither was not seen for a minute or two. */
  #young = new Set<string>();
  #old = new Set<string>();
  #turnedAtMs = 0;

  seen(userId: string, nowMs: number): void {
    const sinceMs = nowMs - this.#turnedAtMs;
    // A clock that was set back turns them, too: they would grow until it has caught up.
    if (sinceMs < 0 || sinceMs >= liveMs) {
      this.#old = sinceMs < 2 * liveMs ? this.#young : new Set();
      this.#young = new Set();
      this.#turnedAtMs = nowMs;
    }
    this.#young.add(userId);
    this.#old.delete(userId);
  }

  /** Harmless when repeated. */
  connected(door: string, userId: string): void {
    const users = this.#doors.get(door) ?? new Set();
    this.#doors.set(door, users.add(userId));
  }

  disconnected(door: string, userId: string): void {
    const users = this.#doors.get(door);
    users?.delete(userId);
    if (users?.size === 0) this.#doors.delete(door);
  }

  /** Nobody asks through this door any more: its node is gone, or has nobody left who listens. Answers who was behind it. */
  shut(door: string): ReadonlySet<string> {
    const users = this.#doors.get(door) ?? new Set();
    this.#doors.delete(door);
    return users;
  }

  isConnected(userId: string): boolean {
    for (const users of this.#doors.values()) if (users.has(userId)) return true;
    return false;
  }

  /** Users who are or were just there; at most: whoever is connected to two nodes counts twice. */
  get users(): number {
    const connected = [...this.#doors.values()].reduce((sum, users) => sum + users.size, 0);
    return Math.max(connected, this.#young.size + this.#old.size);
  }
}
