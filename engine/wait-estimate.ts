/**
 * How long somebody will wait, as an interval, from how fast slots have become free. Who fills the slots that were
 * empty at the start tells nothing of those behind, and neither does the time before.
 *
 * The rate is measured over several spans of the recent past: the fastest gives the low end, the slowest the high end.
 * In a sale's first minutes the two are further apart, for only the quick have left yet (`#measure`).
 * Departures are taken as a Poisson process, so that n of them take between n − z√n and n + z√n mean intervals, z = 1.64
 * for nine cases in ten.
 */

export interface WaitEstimate {
  readonly lowMs: number;
  readonly highMs: number;
}

const secondMs = 1_000;
const longestSpan = 120;
const spansSeconds = [10, 30, longestSpan] as const;
const z = 1.64;
/** Rates change: nobody knows better than this. */
const slack = 0.15;
/** A measurement is believed from this many departures on. */
const departuresMin = 5;

export class ReleaseRate {
  /** Slots that became free, each for the first in line, by second, in a ring. */
  readonly #counts = new Int32Array(longestSpan);
  #second = 0;
  /** When slots began to be used, and when the first of them became free. */
  #sinceSecond = 0;
  #firstSecond = 0;
  /** Since then. */
  #departures = 0;
  /** Of the seconds before the one that runs: the same until it is over, and asked for with every join. */
  #measured: readonly number[] | null = null;

  /** Slots are filled and nobody has one: what was before says nothing of what comes, unless one has just left. */
  begin(nowMs: number): void {
    this.#advance(nowMs);
    if (this.#at(this.#second) + this.#at(this.#second - 1) > 0) return;
    this.#counts.fill(0);
    this.#departures = 0;
    this.#sinceSecond = this.#second;
    this.#measured = null;
  }

  note(departures: number, nowMs: number): void {
    this.#advance(nowMs);
    if (this.#departures === 0) this.#firstSecond = this.#second;
    this.#departures += departures;
    this.#counts[this.#second % longestSpan] = this.#at(this.#second) + departures;
  }

  /** Departures per ms, the least and the most that they may be, with what lies between; empty when too few were seen. */
  measured(nowMs: number, slots: number): readonly number[] {
    this.#advance(nowMs);
    this.#measured ??= this.#measure(slots);
    return this.#measured;
  }

  #measure(slots: number): readonly number[] {
    const running = Math.max(1, this.#second - this.#firstSecond);
    const rates = spansSeconds.flatMap((span) => this.#over(Math.min(span, running)));
    if (rates.length === 0) return rates;
    // While slots become free for the first time, those of the quick are counted, and what the others will add is not.
    const turns = this.#departures / Math.max(1, slots);
    const young = Math.max(...rates) * (1 + 1 / (2 * turns));
    // And the time until the first of them belongs to it, too.
    return [...rates, young, ...this.#over(Math.min(longestSpan, this.#second - this.#sinceSecond))];
  }

  /** The rate of the last `seconds`. The one that runs is not over, and counts for nothing. */
  #over(seconds: number): readonly number[] {
    let departures = 0;
    for (let ago = 1; ago <= seconds; ago++) departures += this.#at(this.#second - ago);
    return departures < departuresMin ? [] : [departures / (seconds * secondMs)];
  }

  /** Departures of a second of the ring. */
  #at(second: number): number {
    return this.#counts[(second + longestSpan) % longestSpan] as number;
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / secondMs);
    if (second > this.#second) this.#measured = null;
    if (second - this.#second >= longestSpan) this.#counts.fill(0);
    else for (let at = this.#second + 1; at <= second; at++) this.#counts[at % longestSpan] = 0;
    if (this.#sinceSecond === 0) this.#sinceSecond = second;
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
