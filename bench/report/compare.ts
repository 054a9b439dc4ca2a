/** `onsale bench compare A.json B.json`: what changed from one report to another, as ratios. */
import type { LoadFigures } from '../figures.ts';
import type { Report } from './report.ts';

/** Loads are matched by subject and label; runs of the same load are taken by their median. */
export function compareReports(before: Report, after: Report): readonly string[] {
  const labels = [...new Set(before.loads.map(keyOf))].filter((key) => after.loads.some((load) => keyOf(load) === key));
  const warnings = [before, after]
    .filter(({ broken }) => broken.length > 0)
    .map(({ at, commandLine }) => `no score: the run of ${at} (${commandLine}) broke a promise`);
  if (before.scenario !== after.scenario) warnings.push(`different scenarios: ${before.scenario}, ${after.scenario}`);
  if (JSON.stringify(before.sale) !== JSON.stringify(after.sale)) warnings.push('different sales: not comparable');
  const missing = before.loads.length + after.loads.length > 0 && labels.length === 0 ? ['no load is in both'] : [];
  return [
    `A ${before.at} ${before.machine.commit} · B ${after.at} ${after.machine.commit} · ratio B / A`,
    ...warnings,
    ...missing,
    ...labels.flatMap((label) => [label, ...compareLoad(pick(before, label), pick(after, label))]),
  ];
}

function keyOf({ subject, label }: LoadFigures): string {
  return `${subject}: ${label}`;
}

function pick({ loads }: Report, key: string): readonly LoadFigures[] {
  return loads.filter((load) => keyOf(load) === key);
}

const measures: Readonly<Record<string, (load: LoadFigures) => number | null>> = {
  'accepted/s': ({ perSecond }) => perSecond.accepted,
  'refused/s': ({ perSecond }) => perSecond.refused,
  failed: ({ counts }) => counts.failed,
  'P50 ms': ({ all }) => all.p50,
  'P99 ms': ({ all }) => all.p99,
  'P99.9 ms': ({ all }) => all.p999,
  'server CPU µs': (load) => cpuEach(load, 'server'),
  'Redis CPU µs': (load) => cpuEach(load, 'redis'),
  'PostgreSQL CPU µs': (load) => cpuEach(load, 'postgres'),
};

function cpuEach({ cost, fromSend }: LoadFigures, group: 'server' | 'redis' | 'postgres'): number | null {
  const seconds = cost.cpuSeconds[group];
  return seconds === null || fromSend.count === 0 ? null : (seconds * 1e6) / fromSend.count;
}

function compareLoad(before: readonly LoadFigures[], after: readonly LoadFigures[]): readonly string[] {
  return Object.entries(measures).flatMap(([name, measure]) => {
    const [a, b] = [medianOf(before, measure), medianOf(after, measure)];
    if (a === null || b === null || (a === 0 && b === 0)) return [];
    const ratio = a === 0 ? '–' : `× ${(b / a).toFixed(2)}`;
    return [`  ${name.padEnd(18)} ${a.toFixed(1).padStart(12)} ${b.toFixed(1).padStart(12)}   ${ratio}`];
  });
}

/** Of those that have such a figure; null when none has. */
export function medianOf<T>(measured: readonly T[], measure: (one: T) => number | null): number | null {
  const values = measured.flatMap((one) => measure(one) ?? []).sort((a, b) => a - b);
  if (values.length === 0) return null;
  const [low, high] = [values[(values.length - 1) >> 1] as number, values[values.length >> 1] as number];
  return (low + high) / 2;
}
