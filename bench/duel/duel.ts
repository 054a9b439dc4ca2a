/**
 * `onsale bench duel`: Onsale beside a server of others, both up, each on stores of its own, measured by wrk in turns, so
 * that a mood of the machine meets both. What it ends with is a ratio; rates hang on the machine and its hour.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { UsageError } from '../../config.ts';
import type { Promised } from '../conservation.ts';
import { closedLoad, type LoadOptions, type Numbers, readLoadOptions } from '../load-options.ts';
import { headingOf, type LoadIo, saleFor } from '../load-run.ts';
import { cpuOf } from '../measurement.ts';
import { cpuSecondsOf, endedChildrenCpuSeconds } from '../processes.ts';
import { readFixture } from '../rush-scene.ts';
import { openOwnSubject, type Subject } from '../subject.ts';
import { type OtherServer, startOther } from './other-server.ts';
import { type Pair, pairLine, readPairs, type Turn } from './pairs.ts';
import { type Counter, runWrk, type WrkFigures, type WrkRun } from './wrk.ts';

export const duelDefaults: Partial<Numbers> = { seconds: 10, 'warm-up': 12, connections: 384 };
export const duelSummary =
  "Onsale and a server of others (--other 'COMMAND') in --pairs turns of wrk, with as many tokens and connections";

/** What a turn leaves behind (relays, checkpoints, vacuum) must not fall on the next. */
const pauseMs = 2_000;

/** The exit code: 1 when Onsale broke a promise meanwhile. */
export async function runDuel(args: readonly string[], io: LoadIo): Promise<number> {
  const options = readLoadOptions(args, duelDefaults);
  if (options.other === null) throw new UsageError("duel needs --other 'COMMAND'");
  const heading = headingOf('duel', args);
  const other = await startOther(options.other);
  try {
    const subject = await openSubject(options, other, io);
    try {
      const { pairs, promised } = await fight({ subject, other, options, io });
      const { broken, proved } = await subject.check(promised);
      const lines = [
        ...(broken.length === 0 ? readPairs(pairs) : broken.map((sentence) => `NO SCORE: ${sentence}`)),
        ...proved.map((claim) => `onsale: ${claim}`),
      ];
      for (const line of lines) io.print(line);
      const folder = options.out ?? join('bench-results', `duel-${heading.at.replaceAll(':', '-')}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'report.json'), `${JSON.stringify({ ...heading, pairs, lines, broken }, null, 2)}\n`);
      io.print(`written to ${folder}`);
      return broken.length === 0 ? 0 : 1;
    } finally {
      await subject.close();
    }
  } finally {
    for (const line of await other.close()) io.print(`the other server: ${line}`);
  }
}

/** With as many users as the other server has tokens, and stock for every turn. */
function openSubject(options: LoadOptions, { users }: OtherServer, { program }: LoadIo): Promise<Subject> {
  const { pairs, seconds, settings, 'hold-seconds': holdSeconds } = options;
  const sale = saleFor({ ...options, users }, [closedLoad(options, 'all turns', pairs * seconds)]);
  return openOwnSubject({ program, sale, holdSeconds, settings });
}

interface Arena {
  readonly subject: Subject;
  readonly other: OtherServer;
  readonly options: LoadOptions;
  readonly io: LoadIo;
}

interface Fighter {
  readonly counter: Counter;
  /** Processor seconds so far. */
  readonly spent: () => Turn['cost'];
}

async function fight({ subject, other, options, io }: Arena): Promise<{ pairs: readonly Pair[]; promised: Promised }> {
  const { connections, seconds, 'warm-up': warmUpSeconds } = options;
  const wrk = endedChildrenCpuSeconds;
  const us: Fighter = { counter: counterOf(subject), spent: () => ({ ...cpuOf(subject.processes), wrk: wrk() }) };
  const them: Fighter = {
    counter: other.counter,
    spent: () => ({ server: cpuSecondsOf(other.pid), redis: null, postgres: null, wrk: wrk() }),
  };
  // Tokens are seen for the first time, and code is compiled, before anything is measured.
  const warmUp = { connections, seconds: warmUpSeconds, run: 'warm' };
  const told: WrkFigures[] = [await runWrk(us.counter, warmUp)];
  await runWrk(them.counter, warmUp);
  const pairs: Pair[] = [];
  for (let number = 1; number <= options.pairs; number++) {
    const run = { connections, seconds, run: `pair-${number}` };
    const isOursFirst = number % 2 === 1;
    const first = await takeTurn(isOursFirst ? us : them, run);
    const second = await takeTurn(isOursFirst ? them : us, run);
    const pair = isOursFirst ? { ours: first, other: second } : { ours: second, other: first };
    told.push(pair.ours);
    pairs.push(pair);
    io.print(`pair ${number}: ${pairLine(pair)}`);
  }
  const accepted = told.reduce((sum, { requests, refused }) => sum + requests - refused, 0);
  // When wrk's time is over it hangs up on whoever waits.
  const unanswered = told.reduce((sum, figures) => sum + figures.unanswered + connections, 0);
  return { pairs, promised: { accepted, unanswered } };
}

async function takeTurn({ counter, spent }: Fighter, run: WrkRun): Promise<Turn> {
  await delay(pauseMs);
  const before = spent();
  const figures = await runWrk(counter, run);
  const after = spent();
  const each = (group: keyof Turn['cost']) => {
    const [from, to] = [before[group], after[group]];
    return from === null || to === null ? null : ((to - from) * 1e6) / figures.requests;
  };
  return {
    ...figures,
    perSecond: (figures.requests - figures.refused) / figures.seconds,
    cost: { server: each('server'), redis: each('redis'), postgres: each('postgres'), wrk: each('wrk') },
  };
}

function counterOf({ baseUrl, fixtureFile }: Subject): Counter {
  const { event_id: eventId, zone_ids: zoneIds, users } = readFixture(fixtureFile);
  const tokensFile = `${fixtureFile}.tokens`;
  writeFileSync(tokensFile, users.map(({ token }) => token).join('\n'), { mode: 0o600 });
  return { baseUrl, eventId, zoneId: zoneIds[0] ?? '', tokensFile };
}
