/**
 * Counters and histograms that are stepped with each request: an addition. prom-client checks and looks up the labels anew
 * at each step, which costs as much as reading the request does, so it is told what was counted when somebody reads.
 */
import { Counter, type Histogram, type Registry } from 'prom-client';

interface Shown {
  readonly name: string;
  readonly help: string;
}

/** Steps by the values of the labels: `tally.of(path).of(method).count++`. */
class Tally {
  count = 0;
  readonly #parts = new Map<string | number, Tally>();

  /** The part in which the next label has this value. */
  of(value: string | number): Tally {
    const known = this.#parts.get(value);
    if (known) return known;
    const part = new Tally();
    this.#parts.set(value, part);
    return part;
  }

  /** Gives every part's steps away, with the values of its labels. */
  handOver(take: (values: string[], steps: number) => void, values: string[] = []): void {
    if (this.count > 0) take(values, this.count);
    this.count = 0;
    for (const [value, part] of this.#parts) part.handOver(take, [...values, String(value)]);
  }
}

export function createTally(registers: Registry[], shown: Shown & { readonly labelNames: string[] }): Tally {
  const tally = new Tally();
  const collect = () => tally.handOver((values, steps) => total.labels(...values).inc(steps));
  const total = new Counter({ ...shown, registers, collect });
  return tally;
}

/** How many measures were in which bucket, and their sum. */
class Spread {
  readonly #bounds: readonly number[];
  /** One more than there are bounds: for what is beyond the last. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  note(measure: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && measure > (this.#bounds[bucket] as number)) bucket++;
    (this.#counts[bucket] as number)++;
    this.#sum += measure;
  }

  /** As Prometheus' text has it: each bucket counts those below it, too. */
  series(name: string, labels: Readonly<Record<string, string>>) {
    let upTo = 0;
    const buckets = Array.from(this.#counts, (count, bucket) => {
      upTo += count;
      const le = this.#bounds[bucket] ?? '+Inf';
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: upTo };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: upTo },
    ];
  }
}

/** A histogram by the values of its label; without a label all is in the part of ''. A measure costs 0.08 µs, prom-client's 1.9. */
class Spreads {
  readonly #bounds: readonly number[];
  readonly #parts = new Map<string, Spread>();

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  of(value: string): Spread {
    const known = this.#parts.get(value);
    if (known) return known;
    const part = new Spread(this.#bounds);
    this.#parts.set(value, part);
    return part;
  }

  /** Of all parts. */
  series(name: string, label: string | null) {
    return [...this.#parts].flatMap(([value, part]) => part.series(name, label === null ? {} : { [label]: value }));
  }
}

/** `label` null: one spread, of ''. */
export function createSpreads(
  registers: Registry[],
  shown: Shown & { readonly label: string | null; readonly bounds: readonly number[] },
): Spreads {
  const { name, help, label, bounds } = shown;
  const spreads = new Spreads(bounds);
  if (label === null) spreads.of('');
  const metric = {
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    get: async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: spreads.series(name, label) }),
  };
  // A registry reads a metric by its name and `get` alone; its type knows prom-client's own classes only.
  for (const registry of registers) registry.registerMetric(metric as unknown as Histogram);
  return spreads;
}
