/** The load scenarios: which loads, in which order, what is read off them, and what must come out. */
import { herd, herdOf, overload, spike } from './crowds.ts';
import type { LoadFigures } from './figures.ts';
import { footprint } from './footprint.ts';
import { closedLoad, steadyLoad } from './load-options.ts';
import { type LoadScenario, nothingRead } from './load-scenario.ts';
import type { Observation } from './report/report.ts';

/** As the targets of the specification say. */
const kneeLimitMs = 50;
const kneeAim = 18_000;
const normal = { ratePerSecond: 10_000, p50: 5, p99: 20, p999: 50 };
const soldoutAims = { perSecond: 60_000, p99: 10 };

const reserve: LoadScenario = {
  summary: 'reservations with more seats than demand: one hot zone, or --zones 45; users distinct, or --users N',
  defaults: {},
  plan: (options) => [
    options.closed ? closedLoad(options, 'reserve, saturated') : steadyLoad(options, 'reserve', options.rate),
  ],
  read([load], { closed, rate }) {
    if (!load || closed || rate !== normal.ratePerSecond) return nothingRead;
    const { all, counts } = load;
    const errors = counts.failed + counts.shed;
    return {
      observations: [
        belowMs('P50', all.p50, normal.p50),
        belowMs('P99', all.p99, normal.p99),
        belowMs('P99.9', all.p999, normal.p999),
        { what: 'failed or turned away', value: String(errors), aim: { text: '0', met: errors === 0 } },
      ],
      broken: [],
    };
  },
};

function belowMs(what: string, ms: number, limitMs: number): Observation {
  return { what, value: `${ms.toFixed(2)} ms`, aim: { text: `below ${limitMs} ms`, met: ms < limitMs } };
}

const soldout: LoadScenario = {
  summary: 'a zone of few seats that sells out in the warm-up: how fast is "no"',
  defaults: { rate: 20_000, seats: 100 },
  plan: (options) => [
    options.closed ? closedLoad(options, 'sold out, saturated') : steadyLoad(options, 'sold out', options.rate),
  ],
  read([load], { seats, zones, closed }) {
    if (!load) return nothingRead;
    const sold = load.seconds.reduce((sum, { answers }) => sum + answers.accepted, 0);
    const isRight = sold === seats * zones && load.counts.accepted === 0;
    const perSecond = Math.round(load.perSecond.refused);
    const { perSecond: least, p99 } = soldoutAims;
    return {
      observations: closed
        ? [{ what: 'refused', value: `${perSecond}/s`, aim: { text: `${least}/s`, met: perSecond >= least } }]
        : [belowMs(`P99 at ${perSecond}/s`, load.all.p99, p99)],
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
    // One bad step below good ones is a mood of the machine; it is named, and is not where the server ends.
    const knee = loads.findLast(isWithin);
    const missed = loads.slice(0, knee ? loads.indexOf(knee) : 0).filter((load) => !isWithin(load));
    const value = knee ? `${knee.label} at P99 ${knee.all.p99.toFixed(1)} ms` : 'below the first step';
    const aim = { text: `${kneeAim}/s`, met: (knee?.offeredPerSecond ?? 0) >= 0.98 * kneeAim };
    const labels = missed.map(({ label }) => label).join(', ');
    return {
      observations: [
        { what: `knee (P99 < ${kneeLimitMs} ms, no failure, all answered)`, value, aim },
        ...(missed.length > 0 ? [{ what: 'steps below it that missed', value: labels }] : []),
      ],
      broken: [],
    };
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
    if (!load) return nothingRead;
    const tenth = Math.ceil(load.seconds.length / 10);
    const worst = (seconds: LoadFigures['seconds']) => Math.max(...seconds.map(({ p99Ms }) => p99Ms ?? 0)).toFixed(1);
    const value = `${worst(load.seconds.slice(tenth, 2 * tenth))} ms, then ${worst(load.seconds.slice(-tenth))} ms`;
    return { observations: [{ what: 'worst P99 of a second, in the second and the last tenth', value }], broken: [] };
  },
};

export const loadScenarios: Readonly<Record<string, LoadScenario>> = {
  reserve,
  soldout,
  lastseat,
  spike,
  overload,
  herd,
  staircase,
  footprint,
  soak,
};
