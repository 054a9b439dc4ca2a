/**
 * `onsale bench peers`: Onsale and the baselines side by side. All are up, each on stores of its own; they are measured
 * in turn, several rounds, so that a mood of the machine meets all of them.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { UsageError } from '../config.ts';
import { type BaselineName, baselines, openBaseline } from './baselines/baseline.ts';
import type { LoadFigures } from './figures.ts';
import type { Load } from './load/job.ts';
import { closedLoad, type LoadOptions, type Numbers, readLoadOptions, steadyLoad } from './load-options.ts';
import { conclude, headingOf, type LoadIo, progressLine, saleFor } from './load-run.ts';
import { measure, openSession, type Session } from './measurement.ts';
import { medianOf } from './report/compare.ts';
import type { Observation, SubjectReport } from './report/report.ts';
import { openOwnSubject, type Sale, type Subject } from './subject.ts';

export const peersDefaults: Partial<Numbers> = { seconds: 10, 'warm-up': 3, connections: 256, rate: 0 };
export const peersSummary =
  'Onsale and baselines in turn, --rounds times: closed loop, or open loop with --rate; --only NAMES';

/** What a measurement leaves behind (relays, checkpoints, vacuum) must not fall on the next. */
const pauseMs = 2_000;
const own = 'onsale';
/** Onsale again, answering before the commit (RESERVE_ACK=gate): what durability costs. */
const hasty = 'onsale-hasty';

export async function runPeers(args: readonly string[], io: LoadIo): Promise<number> {
  const options = readLoadOptions(args, peersDefaults);
  const heading = headingOf('peers', args);
  const load =
    options.rate > 0 ? steadyLoad(options, `${options.rate}/s`, options.rate) : closedLoad(options, 'saturated');
  const sale = saleFor(options, new Array<Load>(options.rounds).fill(load));
  const sessions: Session[] = [];
  try {
    for (const name of namesOf(options)) {
      const subject = await openPeer(name, { options, sale, program: io.program });
      sessions.push(openSession(subject, { ...options, cores: null, program: io.program }));
    }
    const loads = await measureInTurn(sessions, { load, rounds: options.rounds, io });
    const subjects: SubjectReport[] = [];
    for (const { subject, promised } of sessions)
      subjects.push({ name: subject.name, stores: subject.stores, verified: await subject.check(promised) });
    const { generators, driver } = options;
    return conclude(
      {
        ...heading,
        ...{ generators, serverCores: 0, driver, sale, holdSeconds: options['hold-seconds'], loads, subjects },
        observations: ratios(loads),
        broken: subjects.flatMap(({ name, verified }) => verified.broken.map((sentence) => `${name}: ${sentence}`)),
      },
      options.out,
      io,
    );
  } finally {
    await Promise.all(sessions.map(({ subject }) => subject.close()));
  }
}

function namesOf({ only }: LoadOptions): readonly string[] {
  const names = [own, hasty, ...Object.keys(baselines)];
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`--only: ${unknown} is none of ${names.join(', ')}`);
  return names.filter((name) => only?.includes(name) ?? true);
}

function openPeer(
  name: string,
  { options, sale, program }: { readonly options: LoadOptions; readonly sale: Sale; readonly program: string },
): Promise<Subject> {
  const { settings, 'hold-seconds': holdSeconds } = options;
  const ours = { program, sale, holdSeconds, settings };
  if (name === own) return openOwnSubject(ours);
  if (name === hasty) return openOwnSubject({ ...ours, name, settings: { ...settings, RESERVE_ACK: 'gate' } });
  return openBaseline(name as BaselineName, program, sale);
}

async function measureInTurn(
  sessions: readonly Session[],
  { load, rounds, io }: { readonly load: Load; readonly rounds: number; readonly io: LoadIo },
): Promise<readonly LoadFigures[]> {
  const loads: LoadFigures[] = [];
  for (let round = 0; round < rounds; round++) {
    // Another one begins each round, so that nobody always comes after the same neighbour.
    const order = sessions.map((_, index) => sessions[(index + round) % sessions.length] as Session);
    for (const session of order) {
      await delay(pauseMs);
      const figures = await measure(session, load);
      loads.push(figures);
      io.print(progressLine(figures));
    }
  }
  return loads;
}

/** Medians over the rounds, with their range, and Onsale's ratio to each. */
function ratios(loads: readonly LoadFigures[]): readonly Observation[] {
  const accepted = ({ perSecond }: LoadFigures) => perSecond.accepted;
  const of = (name: string) => loads.filter(({ subject }) => subject === name);
  const ours = medianOf(of(own), accepted);
  return [...new Set(loads.map(({ subject }) => subject))].map((name) => {
    const median = medianOf(of(name), accepted) ?? 0;
    const rates = of(name).map(accepted);
    const range = `${Math.round(Math.min(...rates))}–${Math.round(Math.max(...rates))}`;
    const p99 = medianOf(of(name), ({ all }) => all.p99) ?? 0;
    const ratio = ours === null || name === own || median === 0 ? '' : `; Onsale × ${(ours / median).toFixed(2)}`;
    return { what: name, value: `${Math.round(median)}/s (${range}), P99 ${p99.toFixed(1)} ms${ratio}` };
  });
}
