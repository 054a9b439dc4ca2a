/** Crowds: more than a server can serve at once. A spike, an overload that lasts, a herd in one instant. */
import type { LoadFigures } from './figures.ts';
import type { Load } from './load/job.ts';
import { closedLoad, type LoadOptions, profiledLoad, steadyLoad } from './load-options.ts';
import { type LoadScenario, mean, nothingRead, recoveryObservation, undeclaredErrors } from './load-scenario.ts';
import type { Observation } from './report/report.ts';

/** Before any measurement; only the size of the stock hangs on it. */
const guessedPeak = 30_000;
/** Goodput under overload that is aimed at, of the peak. */
const goodputShare = 0.8;
/** P99 of who is accepted meanwhile, as the specification says. */
const acceptedLimitMs = 250;
/** Memory counts as back when it is within this of what it was before. */
const memoryShare = 1.25;

export const spike: LoadScenario = {
  summary: 'from --low to --peak requests per second for --seconds, and back',
  // Each of a crowd has a connection; who finds none has gone.
  defaults: { seconds: 10, connections: 6_000, 'unsent-ms': 100 },
  plan: (options) => [
    profiledLoad(options, 'spike', [
      // A crowd has been there before: what a process keeps of its first one (compiled code, pages of its heap) is no leak.
      { ratePerSecond: options.peak, seconds: options['warm-up'] / 2 },
      { ratePerSecond: options.low, seconds: options['warm-up'] / 2 + quietSeconds },
      { ratePerSecond: options.peak, seconds: options.seconds },
      { ratePerSecond: options.low, seconds: options.after },
    ]),
  ],
  read([load], options) {
    if (!load) return nothingRead;
    const from = options['warm-up'] + quietSeconds;
    return { observations: burstObservations(load, from, options.seconds), broken: undeclaredErrors([load]) };
  },
};
/** At the low rate, measured, before the burst. */
const quietSeconds = 5;

export const overload: LoadScenario = {
  summary: '--factor times the peak, which is measured first, for --seconds; then a quarter of it',
  // A crowd has machines of its own: on shared cores it would take from the server what it needs to say no. And it does
  // not stand in line outside: who finds every connection taken has gone, and counts as lost.
  defaults: { seconds: 60, connections: 2_000, 'server-cores': 1, 'unsent-ms': 100 },
  plan: (options) => [peakOf(options), overloadOf(options, guessedPeak)],
  async course(measure, options) {
    // The peak is what connections enough to keep it busy get, not what a crowd gets.
    const polite = { ...options, connections: 384 };
    const peak = await measure(peakOf(polite));
    return [peak, await measure(overloadOf(options, peak.perSecond.accepted))];
  },
  read([peak, load], options) {
    if (!peak || !load) return nothingRead;
    const end = options['warm-up'] + options.seconds;
    const during = load.seconds.slice(options['warm-up'], end);
    const offered = mean(during.map((second) => second.offered));
    const answered = mean(during.map(({ answers }) => answers.accepted + answers.refused + answers.shed));
    return {
      observations: [
        { what: 'peak', value: `${Math.round(peak.perSecond.accepted)}/s` },
        goodputObservation(mean(during.map(({ answers }) => answers.accepted)), peak.perSecond.accepted),
        {
          what: 'offered · answered, yes or no, in the overload',
          value: `${Math.round(offered)} · ${Math.round(answered)}/s`,
        },
        acceptedObservation(load),
        recoveryObservation(load, end),
        ...memoryObservation(load),
      ],
      broken: undeclaredErrors([peak, load]),
    };
  },
};

function goodputObservation(goodput: number, peak: number): Observation {
  const share = goodput / peak;
  const value = `${Math.round(goodput)}/s, ${Math.round(100 * share)} % of the peak`;
  const aim = { text: `${100 * goodputShare} %`, met: share >= goodputShare };
  return { what: 'goodput under overload', value, aim };
}

function acceptedObservation({ accepted: { p99 } }: LoadFigures): Observation {
  const aim = { text: `below ${acceptedLimitMs} ms`, met: p99 < acceptedLimitMs };
  return { what: 'P99 of who was accepted', value: `${p99.toFixed(1)} ms`, aim };
}

function memoryObservation({ cost }: LoadFigures): readonly Observation[] {
  const { before, most, after } = cost.residentMb;
  if (before === null || after === null) return [];
  const aim = { text: `at most × ${memoryShare}`, met: after <= memoryShare * before };
  return [{ what: 'memory before · most · after', value: `${before} · ${most} · ${after} MB`, aim }];
}

const peakLabel = 'peak, closed loop';
const peakSecondsMax = 10;

const peakOf = (options: LoadOptions): Load =>
  closedLoad(options, peakLabel, Math.min(peakSecondsMax, options.seconds));

function overloadOf(options: LoadOptions, peak: number): Load {
  return profiledLoad(options, `overload × ${options.factor}`, [
    { ratePerSecond: options.factor * peak, seconds: options['warm-up'] + options.seconds },
    { ratePerSecond: peak / 4, seconds: options.after },
  ]);
}

export const herd: LoadScenario = {
  summary: '--sockets new connections that ask in one instant, beside --low requests per second',
  defaults: { seconds: 20 },
  plan: (options) => [
    { ...steadyLoad(options, 'herd', options.low), herd: herdOf(options, options['warm-up'] + quietSeconds, false) },
  ],
  read([load], options) {
    if (!load) return nothingRead;
    const second = options['warm-up'] + quietSeconds;
    const { p50Ms, p99Ms } = load.seconds[second] ?? {};
    const value = `${p50Ms?.toFixed(1) ?? '–'} · ${p99Ms?.toFixed(1) ?? '–'} ms`;
    return {
      observations: [
        { what: 'who came in that second, P50 · P99', value },
        recoveryObservation(load, second + 1),
        ...memoryObservation(load),
      ],
      broken: undeclaredErrors([load]),
    };
  },
};

export function herdOf({ sockets }: LoadOptions, atSeconds: number, connectsBefore: boolean): Load['herd'] {
  return { atSeconds, sockets, connectsBefore };
}

function burstObservations(load: LoadFigures, fromSecond: number, seconds: number): readonly Observation[] {
  const during = load.seconds.slice(fromSecond, fromSecond + seconds);
  const accepted = Math.round(mean(during.map(({ answers }) => answers.accepted)));
  const shed = Math.round(mean(during.map(({ answers }) => answers.shed)));
  return [
    { what: 'accepted · shed in the burst', value: `${accepted} · ${shed}/s` },
    recoveryObservation(load, fromSecond + seconds),
    ...memoryObservation(load),
  ];
}
