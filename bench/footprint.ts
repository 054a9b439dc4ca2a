/**
 * What a reservation costs, and what the server's process weighs, while the sale grows: a closed loop, step by step,
 * until `--total` bookings are there, all of them live holds when `--hold-seconds` outlasts the run.
 */
import type { LoadFigures } from './figures.ts';
import { closedLoad } from './load-options.ts';
import { type LoadScenario, nothingRead } from './load-scenario.ts';
import type { Observation } from './report/report.ts';

/** As the targets of the specification say. */
const lightUpToHolds = 250_000;
const lightMb = 300;
/** A cost counts as level when the last step's is within this of the second's: the first pays for a cold start. */
/** Reservations a second; a server below it is not measured to the end. */
const slowest = 5_000;
const levelShare = 1.25;

export const footprint: LoadScenario = {
  summary: 'saturated until --total bookings are held: memory of the process, and cost of one over their number',
  defaults: { seconds: 8, 'warm-up': 0, users: 250_000, 'hold-seconds': 7_200 },
  plan: (options) => [closedLoad(options, 'all', Math.ceil(options.total / slowest))],
  async course(measure, options) {
    const steps: LoadFigures[] = [];
    do steps.push(await measure(closedLoad(options, `step ${steps.length + 1}`)));
    while (bookingsOf(steps) < options.total && steps.length * options.seconds * slowest < options.total);
    return steps;
  },
  read(loads) {
    const growth = growthOf(loads);
    const [first, second] = growth;
    const last = growth.at(-1);
    if (!first || !last) return nothingRead;
    const light = growth.find(({ bookings }) => bookings >= 0.98 * lightUpToHolds);
    const from = second ?? first;
    return {
      observations: [
        ...(light ? [weightObservation(light)] : []),
        { what: 'memory per live hold from there on', value: `${bytesPerHold(light ?? first, last)} bytes` },
        costObservation(from, last),
      ],
      broken: [],
    };
  },
};

export interface Growth {
  /** That were there when the step ended. */
  readonly bookings: number;
  readonly residentMb: number | null;
  /** Processor µs of a request in the step. */
  readonly server: number | null;
  readonly redis: number | null;
  readonly postgres: number | null;
}

/** A point for each step. */
export function growthOf(loads: readonly LoadFigures[]): readonly Growth[] {
  return loads.map((load, index) => {
    const bookings = bookingsOf(loads.slice(0, index + 1));
    const { cpuSeconds, residentMb } = load.cost;
    const each = (seconds: number | null) => (seconds === null ? null : (seconds * 1e6) / load.fromSend.count);
    const { server, redis, postgres } = cpuSeconds;
    const cost = { server: each(server), redis: each(redis), postgres: each(postgres) };
    return { bookings, residentMb: residentMb.after, ...cost };
  });
}

function bookingsOf(loads: readonly LoadFigures[]): number {
  return loads.flatMap(({ seconds }) => seconds).reduce((sum, { answers }) => sum + answers.accepted, 0);
}

function weightObservation({ bookings, residentMb }: Growth): Observation {
  return {
    what: `memory of the process with ${bookings} live holds`,
    value: `${residentMb} MB`,
    aim: { text: `below ${lightMb} MB with ${lightUpToHolds}`, met: (residentMb ?? 0) < lightMb },
  };
}

function bytesPerHold(from: Growth, to: Growth): number {
  const bytes = ((to.residentMb ?? 0) - (from.residentMb ?? 0)) * 1024 ** 2;
  return Math.round(bytes / Math.max(1, to.bookings - from.bookings));
}

function costObservation(from: Growth, to: Growth): Observation {
  const sum = ({ server, redis, postgres }: Growth) => (server ?? 0) + (redis ?? 0) + (postgres ?? 0);
  const [before, after] = [sum(from), sum(to)];
  return {
    what: `processor time of a reservation at ${from.bookings} and at ${to.bookings} bookings`,
    value: `${before.toFixed(1)} and ${after.toFixed(1)} µs`,
    aim: { text: `at most × ${levelShare}`, met: after <= levelShare * before },
  };
}
