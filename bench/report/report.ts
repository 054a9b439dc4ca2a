/** A report: everything as JSON, the gist as Markdown, charts as SVG, in one folder. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadFigures } from '../figures.ts';
import type { MachineFacts } from '../machine.ts';
import type { StoreFacts } from '../stores.ts';
import type { Sale, Verified } from '../subject.ts';
import { drawChart } from './chart.ts';
import { markdownOf } from './markdown.ts';

export interface Observation {
  readonly what: string;
  /** With its unit. */
  readonly value: string;
}

export interface SubjectReport {
  readonly name: string;
  readonly stores: Pick<StoreFacts, 'postgres' | 'redis'> | null;
  readonly verified: Verified;
}

export interface Report {
  readonly scenario: string;
  /** RFC 3339: when it began. */
  readonly at: string;
  readonly commandLine: string;
  readonly machine: MachineFacts;
  readonly generators: number;
  readonly driver: string;
  readonly sale: Sale;
  readonly holdSeconds: number;
  readonly subjects: readonly SubjectReport[];
  readonly loads: readonly LoadFigures[];
  readonly observations: readonly Observation[];
  /** What the scenario itself demands and did not get, and every promise that was broken. Empty: the run counts. */
  readonly broken: readonly string[];
}

/** Writes `report.json`, `report.md` and the charts; the folder is made. */
export function writeReport(folder: string, report: Report): void {
  mkdirSync(folder, { recursive: true });
  const charts = chartsOf(report);
  for (const { file, svg } of charts) writeFileSync(join(folder, file), svg);
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  const files = charts.map(({ file }) => file);
  writeFileSync(join(folder, 'report.md'), `${markdownOf(report, files).join('\n')}\n`);
}

interface NamedChart {
  readonly file: string;
  readonly svg: string;
}

/** Too many timelines are none. */
const timelinesMax = 12;

function chartsOf({ scenario, loads }: Report): readonly NamedChart[] {
  const timelines = loads.slice(0, timelinesMax).flatMap((load, index) => timelinesOf(load, index));
  return scenario === 'staircase' ? [staircaseOf(loads), ...timelines] : timelines;
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
