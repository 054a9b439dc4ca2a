/** A report: everything as JSON, the gist as Markdown, charts as SVG, in one folder. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadFigures } from '../figures.ts';
import type { MachineFacts } from '../machine.ts';
import type { StoreFacts } from '../stores.ts';
import type { Sale, Verified } from '../subject.ts';
import { chartsOf } from './charts.ts';
import { markdownOf } from './markdown.ts';

export interface Observation {
  readonly what: string;
  /** With its unit. */
  readonly value: string;
  /** What the value should be, where somebody said so. Missing it costs no score: only a broken promise does. */
  readonly aim?: { readonly text: string; readonly met: boolean };
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
  /** Kept from the generators; 0: everybody shared all. */
  readonly serverCores: number;
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
  const charts = chartsOf(report.scenario, report.loads);
  for (const { file, svg } of charts) writeFileSync(join(folder, file), svg);
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  const files = charts.map(({ file }) => file);
  writeFileSync(join(folder, 'report.md'), `${markdownOf(report, files).join('\n')}\n`);
}
