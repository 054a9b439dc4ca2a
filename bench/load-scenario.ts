/** What a load scenario is: loads in some order, what is read off them, what must come out and what is aimed at. */
import { type LoadFigures, recoverySeconds } from './figures.ts';
import type { Load } from './load/job.ts';
import { undeclared } from './load/tally.ts';
import type { LoadOptions, Numbers } from './load-options.ts';
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
  /** What came out and must not. A figure that is merely too slow is no such thing: it is an observation. */
  readonly broken: readonly string[];
}

export const nothingRead: Reading = { observations: [], broken: [] };

/** As the targets of the specification say. */
const normalLimitMs = 20;
const recoveryLimitSeconds = 5;

/** From `fromSecond` on, when the burst was over. */
export function recoveryObservation(load: LoadFigures, fromSecond: number): Observation {
  const seconds = recoverySeconds(load, fromSecond, normalLimitMs);
  return {
    what: `P99 below ${normalLimitMs} ms again, three seconds in a row`,
    value: seconds === null ? 'never' : `${seconds} s after the burst`,
    aim: { text: `within ${recoveryLimitSeconds} s`, met: seconds !== null && seconds <= recoveryLimitSeconds },
  };
}

/** Who is turned away must be told so (503 or 429 with Retry-After) or get no answer in time, never another error. */
export function undeclaredErrors(loads: readonly LoadFigures[]): readonly string[] {
  return loads.flatMap(({ label, reasons }) =>
    Object.entries(reasons)
      .filter(([reason]) => reason.startsWith(undeclared))
      .map(([reason, count]) => `${label}: ${count} answers were ${reason}`),
  );
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
