/** The charts of a report: a timeline of each load, and what a scenario that climbs shows as a whole. */
import type { LoadFigures } from '../figures.ts';
import { type Growth, growthOf } from '../footprint.ts';
import { drawChart } from './chart.ts';

export interface NamedChart {
  readonly file: string;
  readonly svg: string;
}

/** Too many timelines are none. */
const timelinesMax = 12;

/** Over all loads, of the scenarios that climb. */
const overviews: Readonly<Record<string, (loads: readonly LoadFigures[]) => readonly NamedChart[]>> = {
  staircase: (loads) => [staircaseOf(loads)],
  footprint: footprintOf,
};

export function chartsOf(scenario: string, loads: readonly LoadFigures[]): readonly NamedChart[] {
  const timelines = loads.slice(0, timelinesMax).flatMap((load, index) => timelinesOf(load, index));
  return [...(overviews[scenario]?.(loads) ?? []), ...timelines];
}

function footprintOf(loads: readonly LoadFigures[]): readonly NamedChart[] {
  const growth = growthOf(loads);
  const line = (name: string, of: (point: Growth) => number | null) => ({
    name,
    points: growth.map((point) => [point.bookings, of(point) ?? 0] as const),
  });
  const scale = { xLabel: 'bookings held', yScale: 'linear' } as const;
  const cost = drawChart({
    ...{ title: 'Processor time of a reservation', yLabel: 'µs', ...scale },
    series: [
      line('server', ({ server }) => server),
      line('PostgreSQL', ({ postgres }) => postgres),
      line('Redis', ({ redis }) => redis),
    ],
  });
  const weight = drawChart({
    ...{ title: 'Memory of the server process', yLabel: 'MB', ...scale },
    series: [line('resident', ({ residentMb }) => residentMb)],
  });
  return [
    { file: 'footprint-cost.svg', svg: cost },
    { file: 'footprint-memory.svg', svg: weight },
  ];
}

function staircaseOf(loads: readonly LoadFigures[]): NamedChart {
  const line = (name: string, of: (load: LoadFigures) => number) => ({
    name,
    points: loads.map((load) => [load.offeredPerSecond, of(load)] as const),
  });
  const svg = drawChart({
    title: 'Latency from the intended time, over the offered load',
    ...{ xLabel: 'requests offered per second', yLabel: 'milliseconds', yScale: 'log' },
    series: [
      line('P50', ({ all }) => all.p50),
      line('P90', ({ all }) => all.p90),
      line('P99', ({ all }) => all.p99),
      line('P99.9', ({ all }) => all.p999),
    ],
  });
  return { file: 'staircase.svg', svg };
}

function timelinesOf(load: LoadFigures, index: number): readonly NamedChart[] {
  const line = (name: string, of: (second: LoadFigures['seconds'][number]) => number | null) => ({
    name,
    points: load.seconds.flatMap((second) => {
      const value = of(second);
      return value === null ? [] : [[second.second, value] as const];
    }),
  });
  const title = `${load.subject}: ${load.label}`;
  const rates = drawChart({
    ...{ title, xLabel: 'second', yLabel: 'requests per second', yScale: 'linear' },
    series: [
      line('offered', ({ offered }) => offered),
      line('accepted', ({ answers }) => answers.accepted),
      line('refused', ({ answers }) => answers.refused),
      line('shed', ({ answers }) => answers.shed),
      line('failed', ({ answers }) => answers.failed),
    ],
  });
  const latencies = drawChart({
    ...{ title, xLabel: 'second in which they were due', yLabel: 'milliseconds', yScale: 'log' },
    series: [line('P50', ({ p50Ms }) => p50Ms), line('P99', ({ p99Ms }) => p99Ms)],
  });
  return [
    { file: `timeline-${index + 1}-rates.svg`, svg: rates },
    { file: `timeline-${index + 1}-latencies.svg`, svg: latencies },
  ];
}
