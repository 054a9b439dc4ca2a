/**
 * How many may wait for somebody who works in batches, so that whoever is let in waits for a bounded time and all others
 * are told at once. Little's law: a line of n that moves at r a millisecond takes n / r.
 *
 * The pace is measured while somebody always waits. Without a line it would be the visitors' pace, and a quiet hour would
 * forbid the next rush.
 */
export interface PatienceOptions {
  /** How long the last of the line may have to wait, in ms. The pace is that of about as long. */
  readonly waitMaxMs: number;
  /** So many may always wait: enough for the next batches to be full, which is how a pace is learnt again. */
  readonly least: number;
  /** More never may; as many may as long as no pace is known. */
  readonly most: number;
}

export class Patience {
  readonly #options: PatienceOptions;
  #served = 0;
  #busyMs = 0;
  /** When a line was left behind; null: there was none. */
  #lineSinceMs: number | null = null;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** `served` have just left the line, and `left` still wait. */
  note(served: number, left: number, nowMs: number): void {
    if (this.#lineSinceMs !== null) {
      this.#served += served;
      this.#busyMs += nowMs - this.#lineSinceMs;
    }
    this.#lineSinceMs = left > 0 ? nowMs : null;
    if (this.#busyMs <= this.#options.waitMaxMs) return;
    // What is older counts for half, again and again.
    this.#served /= 2;
    this.#busyMs /= 2;
  }

  /** The time until the next note says nothing of the pace: nobody could work. */
  pause(): void {
    this.#lineSinceMs = null;
  }

  /** How long the line may be now. */
  get lengthMax(): number {
    const { waitMaxMs, least, most } = this.#options;
    if (this.#busyMs === 0) return most;
    const length = Math.floor((this.#served / this.#busyMs) * waitMaxMs);
    return Math.min(most, Math.max(least, length));
  }
}
