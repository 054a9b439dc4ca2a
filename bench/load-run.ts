/** Runs a load scenario: subject, loads, checks, report. The exit code is 0 only when every promise held. */
import { join } from 'node:path';
import { type Cores, splitCores } from './cores.ts';
import { expectedRequests, type LoadFigures } from './figures.ts';
import type { Load } from './load/job.ts';
import { type LoadOptions, readLoadOptions } from './load-options.ts';
import type { LoadScenario, Measure } from './load-scenario.ts';
import { loadScenarios } from './load-scenarios.ts';
import { type MachineFacts, readMachine } from './machine.ts';
import { measure, openSession } from './measurement.ts';
import { markdownOf } from './report/markdown.ts';
import { type Report, writeReport } from './report/report.ts';
import { openOwnSubject, openTarget, type Sale, type Subject } from './subject.ts';

export interface LoadIo {
  /** The command itself, for servers and generators. */
  readonly program: string;
  readonly print: (line: string) => void;
}

export async function runLoad(name: string, args: readonly string[], io: LoadIo): Promise<number> {
  const scenario = loadScenarios[name] as LoadScenario;
  const options = readLoadOptions(args, scenario.defaults);
  const heading = headingOf(name, args);
  const sale = saleFor(options, scenario.plan(options));
  const cores = splitCores(options['server-cores']);
  const subject = await openSubject(options, { sale, cores: cores.server }, io);
  try {
    const session = openSession(subject, { ...options, cores: cores.generators, program: io.program });
    const measureOne: Measure = async (load) => {
      const figures = await measure(session, load);
      io.print(progressLine(figures));
      return figures;
    };
    const loads = scenario.course
      ? await scenario.course(measureOne, options)
      : await inTurn(scenario.plan(options), measureOne);
    const verified = await subject.check(session.promised);
    const reading = scenario.read?.(loads, options) ?? { observations: [], broken: [] };
    return conclude(
      {
        ...heading,
        ...{
          generators: options.generators,
          serverCores: options['server-cores'],
          driver: options.driver,
          sale,
          holdSeconds: options['hold-seconds'],
          loads,
        },
        subjects: [{ name: subject.name, stores: subject.stores, verified }],
        observations: reading.observations,
        broken: [...reading.broken, ...verified.broken],
      },
      options.out,
      io,
    );
  } finally {
    await subject.close();
  }
}

interface Heading {
  readonly scenario: string;
  readonly at: string;
  readonly commandLine: string;
  readonly machine: MachineFacts;
}

/** Taken before anything is started, which would not be a quiet machine any more. */
export function headingOf(scenario: string, args: readonly string[]): Heading {
  const commandLine = ['onsale bench', scenario, ...args].join(' ');
  return { scenario, at: new Date().toISOString(), commandLine, machine: readMachine() };
}

/** Writes and prints the report. The exit code. */
export function conclude(report: Report, out: string | null, { print }: LoadIo): number {
  const folder = out ?? join('bench-results', `${report.scenario}-${report.at.replaceAll(':', '-')}`);
  writeReport(folder, report);
  for (const line of markdownOf(report, [])) print(line);
  print('');
  print(`written to ${folder}`);
  return report.broken.length === 0 ? 0 : 1;
}

async function inTurn(loads: readonly Load[], measureOne: Measure): Promise<readonly LoadFigures[]> {
  const figures: LoadFigures[] = [];
  for (const load of loads) figures.push(await measureOne(load));
  return figures;
}

export function progressLine({ subject, label, perSecond, counts, all }: LoadFigures): string {
  const { accepted, refused, shed } = perSecond;
  const rates = [
    `accepted ${Math.round(accepted)}/s`,
    `refused ${Math.round(refused)}/s`,
    `shed ${Math.round(shed)}/s`,
  ];
  return `${subject}, ${label}: ${rates.join(', ')}, failed ${counts.failed}, P50 ${all.p50.toFixed(2)} ms, P99 ${all.p99.toFixed(2)} ms`;
}

/** Room for every request of the loads to be accepted, unless the flags say otherwise. */
export function saleFor(options: LoadOptions, loads: readonly Load[]): Sale {
  const { users, zones, seats, 'max-per-user': maxPerUser } = options;
  const requests = loads.reduce((sum, load) => sum + expectedRequests(load), 0);
  return {
    ...{ users, zones },
    seatsPerZone: seats || Math.ceil((2 * requests) / zones) + 1_000,
    maxPerUser: maxPerUser || Math.max(usualMaxPerUser, Math.ceil((2 * requests) / users)),
  };
}

const usualMaxPerUser = 10;

function openSubject(
  options: LoadOptions,
  { sale, cores }: { readonly sale: Sale; readonly cores: Cores },
  { program }: LoadIo,
): Promise<Subject> {
  if (options.target) return openTarget({ ...options.target, maxPerUser: sale.maxPerUser });
  const { settings, nodes, 'hold-seconds': holdSeconds } = options;
  return openOwnSubject({ program, sale, nodes, cores, holdSeconds, settings });
}
