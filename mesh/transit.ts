/**
 * How long the frames of one peer were on their way, without a common clock: how much longer than the quickest of late,
 * which is the base delay of LEDBAT (RFC 6817 §3.4.2). What a node finds waiting when it wakes from a pause is old, and
 * this tells how old.
 */

/** The quickest frame is looked for in this span and the one before, so that clocks may drift apart. */
const spanMs = 60_000;

export class Transit {
  #spanBeganMs = Number.NEGATIVE_INFINITY;
  #leastMs = Number.POSITIVE_INFINITY;
  #leastBeforeMs = Number.POSITIVE_INFINITY;

  /** The delay beyond the least, in ms. Each side reads a steady clock of its own, whose origin does not matter. */
  delayOf(sentAtMs: number, nowMs: number): number {
    const apartMs = nowMs - sentAtMs;
    if (nowMs - this.#spanBeganMs > spanMs) {
      // One span at a time, however long ago it began: after a long pause the quickest before it must still count.
      this.#leastBeforeMs = this.#leastMs;
      this.#leastMs = apartMs;
      this.#spanBeganMs = nowMs;
    }
    this.#leastMs = Math.min(this.#leastMs, apartMs);
    return apartMs - Math.min(this.#leastMs, this.#leastBeforeMs);
  }
}
