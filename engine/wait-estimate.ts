/**
 * How long somebody will wait, as an interval, from how fast slots have become free. Who fills the slots that were
 * empty at the start tells nothing of those behind.
 *
 * The rate is measured over several spans of the recent past: the fastest gives the low end, the slowest the high end.
 * Departures are taken as a Poisson process, so that n of them take between n − z√n and n + z√n mean intervals, z = 1.64
 * for nine cases in ten.
 */

export interface WaitEstimate {
  readonly lowMs: number;
  readonly highMs: number;
}

const secondMs = 1_000;
const spansSeconds = [10, 30, 120] as const;
const z = 1.64;
/** Rates change: nobody knows better than this. */
const slack = 0.15;
/** A measurement is believed from this many departures on. */
const departuresMin = 5;

export class ReleaseRate {
  /** Slots that became free, each for the first in line, by second, in a ring. */
  readonly #counts = new Int32Array(spansSeconds.at(-1) ?? 0);
  #second = 0;
  #sinceSecond = 0;
  /** Of the seconds before the one that runs: the same until it is over, and asked for with every join. */
  #measured: readonly number[] | null = null;

  note(departures: number, nowMs: number): void {
    this.#advance(nowMs);
    const at = this.#second % this.#counts.length;
    this.#counts[at] = (this.#counts[at] as number) + departures;
  }

  /** Departures per ms over the spans that are long enough; empty when too few were seen. */
  measured(nowMs: number): readonly number[] {
    this.#advance(nowMs);
    this.#measured ??= this.#measure();
    return this.#measured;
  }

  #measure(): readonly number[] {
    const running = Math.max(1, this.#second - this.#sinceSecond);
    return spansSeconds.flatMap((span) => {
      const seconds = Math.min(span, running);
      let departures = 0;
      // The second that runs is not over, and counts for nothing.
      for (let ago = 1; ago <= seconds; ago++)
        departures += this.#counts[(this.#second - ago + this.#counts.length * 2) % this.#counts.length] as number;
      return departures < departuresMin ? [] : [departures / (seconds * secondMs)];
    });
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / secondMs);
    if (second > this.#second) this.#measured = null;
    if (this.#second === 0) this.#sinceSecond = second;
    if (second - this.#second >= this.#counts.length) this.#counts.fill(0);
    else for (let at = this.#second + 1; at <= second; at++) this.#counts[at % this.#counts.length] = 0;
    this.#second = Math.max(second, this.#second);
  }
}

/**
 * The wait of somebody at `position`. While nothing was measured, one slot serves between one and ten people a minute.
 * Null when nobody is admitted: then any number would be a lie.
 */
export function waitEstimate(
  position: number,
  rates: readonly number[],
  terms: { readonly maxConcurrent: number; readonly ratePerMinute: number | null },
): WaitEstimate | null {
  if (terms.maxConcurrent === 0 || terms.ratePerMinute === 0) return null;
  const cap = terms.ratePerMinute === null ? Number.POSITIVE_INFINITY : terms.ratePerMinute / 60_000;
  const guessed = [terms.maxConcurrent / 60_000, terms.maxConcurrent / 6_000];
  const capped = (rates.length > 0 ? rates : guessed).map((rate) => Math.min(rate, cap));
  const spread = z * Math.sqrt(position);
  const lowMs = (Math.max(0, position - spread) / Math.max(...capped)) * (1 - slack);
  const highMs = ((position + spread) / Math.min(...capped)) * (1 + slack);
  return { lowMs: Math.round(lowMs), highMs: Math.round(highMs) };
}
