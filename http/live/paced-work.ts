/**
 * Work over many connections, a few at a time: one send costs some 8 µs of the system, so that fifteen thousand in one
 * turn of the event loop would keep everybody else waiting for an eighth of a second.
 */

/** A turn then takes about a millisecond. */
const stepsPerTurn = 128;

export class PacedWork {
  readonly #waiting: Iterator<unknown>[] = [];
  #isScheduled = false;

  /** Runs `work` to its end, after what was added before. It yields after each step, and must not throw. */
  add(work: Iterator<unknown>): void {
    this.#waiting.push(work);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#turn();
      this.#schedule();
    });
  }

  #turn(): void {
    for (let step = 0; step < stepsPerTurn; step++) {
      const [work] = this.#waiting;
      if (!work) return;
      if (work.next().done) this.#waiting.shift();
    }
  }
}
