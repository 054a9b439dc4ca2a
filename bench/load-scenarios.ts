/** The load scenarios: which loads, in which order, what is read off them, and what must come out. */
import { type LoadFigures, recoverySeconds } from './figures.ts';
import type { Load } from './load/job.ts';
import { closedLoad, type LoadOptions, type Numbers, profiledLoad, steadyLoad } from './load-options.ts';
import type { Observation } from './report/report.ts';

export interface LoadScenario {
  readonly summary: string;
  /** Where they differ from the defaults of all. */
  readonly defaults: Partial<Numbers>;
  /** Loads that may come: stock and limits are laid out for them. */
  readonly plan: (options: LoadOptions) => readonly Load[];
  /** Measures the plan; all of it, one after the other, when left out. */
  readonly course?: (measure: Measure, options: LoadOptions) => Promise<readonly LoadFigures[]>;
  readonly read?: (loads: readonly LoadFigures[], options: LoadOptions) => Reading;
}

export type Measure = (load: Load) => Promise<LoadFigures>;

export interface Reading {
  readonly observations: readonly Observation[];
  /** What came out and must not. */
  readonly broken: readonly string[];
}

/** As the targets of the specification say. */
const kneeLimitMs = 50;
const normalLimitMs = 20;
/** Of an overload: peak first, then this long at a quarter of it to see the recovery. */
const afterSeconds = 15;
/** Before any measurement; only the size of the stock hangs on it. */
const guessedPeak = 30_000;

const reserve: LoadScenario = {
  summary: 'reservations with more seats than demand: one hot zone, or --zones 45; users distinct, or --users N',
  defaults: {},
  plan: (options) => [
    options.closed ? closedLoad(options, 'reserve, saturated') : steadyLoad(options, 'reserve', options.rate),
  ],
};

const soldout: LoadScenario = {
  summary: 'a zone of few seats that sells out in the warm-up: how fast is "no"',
  defaults: { rate: 20_000, seats: 100 },
  plan: (options) => [
    options.closed ? closedLoad(options, 'sold out, saturated') : steadyLoad(options, 'sold out', options.rate),
  ],
  read([load], { seats, zones }) {
    const sold = (load?.seconds ?? []).reduce((sum, { answers }) => sum + answers.accepted, 0);
    const isRight = sold === seats * zones && load?.counts.accepted === 0;
    return {
      observations: [],
      broken: isRight ? [] : [`${sold} seats were sold, not ${seats * zones} in the warm-up`],
    };
  },
};

const lastseat: LoadScenario = {
  summary: 'so many sockets that ask for one seat in one instant: exactly one gets it',
  defaults: { sockets: 500, seats: 1, users: 500, seconds: 3, 'warm-up': 0 },
  plan: (options) => [{ ...steadyLoad(options, 'last seat', 0), herd: herdOf(options, 1, true) }],
  read([load], { seats, zones, sockets }) {
    const { accepted, refused } = load?.counts ?? { accepted: 0, refused: 0 };
    const seatsInAll = seats * zones;
    const isRight = accepted === seatsInAll && refused === sockets - seatsInAll;
    const broken = `${seatsInAll} of ${sockets} must get a seat and the others a refusal: ${accepted} did, ${refused} were refused`;
    return { observations: [], broken: isRight ? [] : [broken] };
  },
};

const spike: LoadScenario = {
  summary: 'from --low to --peak requests per second for --seconds, and back',
  defaults: { seconds: 10, connections: 1_000 },
  plan: (options) => [
    profiledLoad(options, 'spike', [
      { ratePerSecond: options.low, seconds: options['warm-up'] + quietSeconds },
      { ratePerSecond: options.peak, seconds: options.seconds },
      { ratePerSecond: options.low, seconds: afterSeconds },
    ]),
  ],
  read([load], options) {
    if (!load) return nothing;
    const from = options['warm-up'] + quietSeconds;
    return { observations: burstObservations(load, from, options.seconds), broken: [] };
  },
};
/** At the low rate, measured, before the burst. */
const quietSeconds = 5;

const overload: LoadScenario = {
  summary: '--factor times the peak, which is measured first, for --seconds; then a quarter of it',
  // A crowd has a connection each: with few, it would queue in the generator, where no server can shed it.
  defaults: { seconds: 60, connections: 15_000, generators: 2 },
  plan: (options) => [closedLoad(options, peakLabel, peakSeconds), overloadOf(options, guessedPeak)],
  async course(measure, options) {
    // The peak is what connections enough to keep it busy get, not what a crowd gets.
    const polite = { ...options, connections: 384 };
    const peak = await measure(closedLoad(polite, peakLabel, peakSeconds));
    return [peak, await measure(overloadOf(options, peak.perSecond.accepted))];
  },
  read([peak, load], options) {
    if (!peak || !load) return nothing;
    const during = load.seconds.slice(options['warm-up'], options['warm-up'] + options.seconds);
    const goodput = mean(during.map(({ answers }) => answers.accepted));
    return {
      observations: [
        { what: 'peak', value: `${Math.round(peak.perSecond.accepted)}/s` },
        {
          what: 'goodput under overload',
          value: `${Math.round(goodput)}/s, ${Math.round((100 * goodput) / peak.perSecond.accepted)} % of the peak`,
        },
        { what: 'P99 of accepted', value: `${load.accepted.p99.toFixed(1)} ms` },
        recoveryObservation(load, options['warm-up'] + options.seconds),
      ],
      broken: [],
    };
  },
};
const peakLabel = 'peak, closed loop';
const peakSeconds = 10;

function overloadOf(options: LoadOptions, peak: number): Load {
  return profiledLoad(options, `overload × ${options.factor}`, [
    { ratePerSecond: options.factor * peak, seconds: options['warm-up'] + options.seconds },
    { ratePerSecond: peak / 4, seconds: afterSeconds },
  ]);
}

const herd: LoadScenario = {
  summary: '--sockets new connections that ask in one instant, beside --low requests per second',
  defaults: { seconds: 20 },
  plan: (options) => [
    { ...steadyLoad(options, 'herd', options.low), herd: herdOf(options, options['warm-up'] + quietSeconds, false) },
  ],
  read([load], options) {
    const second = options['warm-up'] + quietSeconds;
    const { p50Ms, p99Ms } = load?.seconds[second] ?? { p50Ms: null, p99Ms: null };
    if (!load || p50Ms === null || p99Ms === null) return nothing;
    const herdFigures = {
      what: 'who came in that second, P50 · P99',
      value: `${p50Ms.toFixed(1)} · ${p99Ms.toFixed(1)} ms`,
    };
    return { observations: [herdFigures, recoveryObservation(load, second + 1)], broken: [] };
  },
};

function herdOf({ sockets }: LoadOptions, atSeconds: number, connectsBefore: boolean): Load['herd'] {
  return { atSeconds, sockets, connectsBefore };
}

const staircase: LoadScenario = {
  summary: '--from, --from + --step … --to requests per second, --seconds each, until two steps in a row are too much',
  defaults: { seconds: 10, 'warm-up': 2, connections: 512 },
  plan: (options) => {
    const steps = Math.max(0, Math.floor((options.to - options.from) / Math.max(1, options.step))) + 1;
    const rates = Array.from({ length: steps }, (_, i) => options.from + i * options.step);
    return rates.map((rate) => steadyLoad(options, `${rate}/s`, rate));
  },
  async course(measure, options) {
    const climbed: LoadFigures[] = [];
    for (const load of staircase.plan(options)) {
      climbed.push(await measure(load));
      if (climbed.length >= 2 && climbed.slice(-2).every((figures) => !isWithin(figures))) break;
    }
    return climbed;
  },
  read(loads) {
    const over = loads.findIndex((load) => !isWithin(load));
    const knee = over < 0 ? loads.at(-1) : loads[over - 1];
    const value = knee
      ? `${knee.label} at P99 ${knee.all.p99.toFixed(1)} ms${over < 0 ? ', not reached' : ''}`
      : 'below the first step';
    return { observations: [{ what: `knee (P99 < ${kneeLimitMs} ms, no failure, all answered)`, value }], broken: [] };
  },
};

function isWithin({ all, counts }: LoadFigures): boolean {
  return all.p99 < kneeLimitMs && counts.failed + counts.shed === 0;
}

const soak: LoadScenario = {
  summary: 'a steady rate for long, with holds that run out meanwhile: memory and latency must not creep',
  defaults: { rate: 5_000, seconds: 1_800, 'hold-seconds': 60 },
  plan: (options) => [steadyLoad(options, 'soak', options.rate)],
  read([load]) {
    if (!load) return nothing;
    const tenth = Math.ceil(load.seconds.length / 10);
    const worst = (seconds: LoadFigures['seconds']) => Math.max(...seconds.map(({ p99Ms }) => p99Ms ?? 0)).toFixed(1);
    const value = `${worst(load.seconds.slice(tenth, 2 * tenth))} ms, then ${worst(load.seconds.slice(-tenth))} ms`;
    return { observations: [{ what: 'worst P99 of a second, in the second and the last tenth', value }], broken: [] };
  },
};

const nothing: Reading = { observations: [], broken: [] };

function burstObservations(load: LoadFigures, fromSecond: number, seconds: number): readonly Observation[] {
  const during = load.seconds.slice(fromSecond, fromSecond + seconds);
  const accepted = Math.round(mean(during.map(({ answers }) => answers.accepted)));
  return [{ what: 'accepted in the burst', value: `${accepted}/s` }, recoveryObservation(load, fromSecond + seconds)];
}

function recoveryObservation(load: LoadFigures, fromSecond: number): Observation {
  const seconds = recoverySeconds(load, fromSecond, normalLimitMs);
  const value = seconds === null ? 'never' : `${seconds} s after the burst`;
  return { what: `P99 below ${normalLimitMs} ms again, and for good`, value };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

export const loadScenarios: Readonly<Record<string, LoadScenario>> = {
  reserve,
  soldout,
  lastseat,
  spike,
  overload,
  herd,
  staircase,
  soak,
};
