/** `onsale bench <scenario>`: reads the rest of the command line and runs the scenario. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { UsageError } from '../config.ts';
import { runBaseline } from './baselines/baseline.ts';
import { runChaos } from './chaos.ts';
import { clusterUsage, runCluster } from './cluster.ts';
import { besideUsage, runBeside } from './duel/beside.ts';
import { duelDefaults, duelSummary, runDuel } from './duel/duel.ts';
import { lifecycleDefaults, lifecycleSummary, runLifecycle } from './lifecycle.ts';
import { runGenerator } from './load/generator.ts';
import { loadFlags } from './load-options.ts';
import { runLoad } from './load-run.ts';
import { loadScenarios } from './load-scenarios.ts';
import { meshDefaults, meshSummary, runMesh, runMeshPeer } from './mesh.ts';
import { outageDefaults, outageSummary, runOutage } from './outage/outage.ts';
import { peersDefaults, peersSummary, runPeers } from './peers.ts';
import { queueUsage, runQueue } from './queue/queue.ts';
import { runWaiters } from './queue/waiters.ts';
import { compareReports } from './report/compare.ts';
import { type RushTarget, runRush } from './rush.ts';
import { readCoreTicks, stolenSentence } from './stolen-time.ts';

const usage = `onsale bench <scenario>

  rush    a whole sale over HTTP until every seat is sold, then the audit
          [--buyers 2000] [--seats 1000] [--zones 1] [--hold-seconds 20] [--seed 1] [--json FILE]
          at a server of its own; or at one that runs, with what \`onsale seed\` wrote for it:
          --target URL --fixture FILE --sandbox URL --database URL --redis URL
  chaos   a rush during which server and stores are killed at random moments
          [--kills 20] [--store-faults 2] [--seats 1500] [--zones 2] [--hold-seconds 8] [--per-second 50] [--seed 1]

${queueUsage}
${clusterUsage}
${besideUsage}

  Loads, measured: a report in a folder, and no score for a run that breaks a promise.

${Object.entries({
  ...loadScenarios,
  lifecycle: { summary: lifecycleSummary, defaults: lifecycleDefaults },
  outage: { summary: outageSummary, defaults: outageDefaults },
  peers: { summary: peersSummary, defaults: peersDefaults },
  duel: { summary: duelSummary, defaults: duelDefaults },
  mesh: { summary: meshSummary, defaults: meshDefaults },
})
  .map(([name, { summary, defaults }]) => `  ${name.padEnd(10)} ${summary}\n${ownDefaults(defaults)}`)
  .join('')}
          Flags and what holds where a scenario says nothing else:
${loadFlags}

  compare    A.json B.json: what changed from one report to another, as ratios`;

export interface BenchIo {
  /** The command itself, for scenarios that start servers. */
  readonly program: string;
  readonly print: (line: string) => void;
}

function ownDefaults(defaults: Readonly<Record<string, number>>): string {
  const flags = Object.entries(defaults).map(([name, value]) => `--${name} ${value}`);
  return flags.length === 0 ? '' : `             (${flags.join(' ')})\n`;
}

type Scenario = (args: string[], io: BenchIo) => Promise<number>;

/** Ends with what the figures cannot tell of the machine. */
const measured =
  (run: Scenario): Scenario =>
  async (args, io) => {
    const from = readCoreTicks();
    const code = await run(args, io);
    const sentence = stolenSentence(from, readCoreTicks());
    if (sentence) io.print(sentence);
    return code;
  };

const scenarios: Readonly<Record<string, Scenario>> = {
  rush,
  chaos,
  cluster: measured(runCluster),
  compare,
  lifecycle: measured(runLifecycle),
  outage: measured(runOutage),
  peers: measured(runPeers),
  duel: measured(runDuel),
  queue: measured(runQueue),
  beside: (args, io) => runBeside(args, io, (scenario) => runBench(scenario, io)),
  mesh: measured(runMesh),
  // Processes of the measurements, started by them.
  generator: () => runGenerator(),
  waiters: () => runWaiters(),
  baseline: () => runBaseline(),
  'mesh-peer': () => runMeshPeer(),
  ...Object.fromEntries(
    Object.keys(loadScenarios).map((name): [string, Scenario] => [
      name,
      measured((args, io) => runLoad(name, args, io)),
    ]),
  ),
};

/** The exit code: 0 when the scenario passed. */
export async function runBench([name = '', ...args]: readonly string[], io: BenchIo): Promise<number> {
  const scenario = scenarios[name];
  if (scenario) return scenario([...args], io);
  io.print(usage);
  return 2;
}

function rush(args: string[], io: BenchIo): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      buyers: { type: 'string', default: '2000' },
      seats: { type: 'string', default: '1000' },
      zones: { type: 'string', default: '1' },
      'hold-seconds': { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      target: { type: 'string' },
      fixture: { type: 'string' },
      sandbox: { type: 'string' },
      database: { type: 'string' },
      redis: { type: 'string' },
    },
  });
  return runRush(
    {
      buyers: whole(values.buyers, 'buyers', 1),
      seatsPerZone: whole(values.seats, 'seats', 1),
      zones: whole(values.zones, 'zones', 1),
      holdSeconds: whole(values['hold-seconds'], 'hold-seconds', 1),
      seed: whole(values.seed, 'seed', 0),
      jsonFile: values.json ?? null,
      target: targetOf(values),
    },
    io,
  );
}

function chaos(args: string[], io: BenchIo): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      kills: { type: 'string', default: '20' },
      'store-faults': { type: 'string', default: '2' },
      seats: { type: 'string', default: '1500' },
      zones: { type: 'string', default: '2' },
      'hold-seconds': { type: 'string', default: '8' },
      'per-second': { type: 'string', default: '50' },
      seed: { type: 'string', default: '1' },
    },
  });
  const each = whole(values['store-faults'], 'store-faults', 0);
  return runChaos(
    {
      strikes: {
        'app-kill': whole(values.kills, 'kills', 0),
        'redis-flush': each,
        'redis-kill': each,
        'postgres-kill': each,
        'postgres-stop': each,
        'all-kill': each,
        'provider-trouble': each,
      },
      seatsPerZone: whole(values.seats, 'seats', 1),
      zones: whole(values.zones, 'zones', 1),
      holdSeconds: whole(values['hold-seconds'], 'hold-seconds', 1),
      perSecond: whole(values['per-second'], 'per-second', 1),
      seed: whole(values.seed, 'seed', 0),
    },
    io,
  );
}

interface TargetFlags {
  readonly target?: string;
  readonly fixture?: string;
  readonly sandbox?: string;
  readonly database?: string;
  readonly redis?: string;
}

function targetOf({ target, fixture, sandbox, database, redis }: TargetFlags): RushTarget | null {
  if (target === undefined) return null;
  if (!fixture || !sandbox || !database || !redis)
    throw new UsageError(`--target needs --fixture, --sandbox, --database and --redis\n\n${usage}`);
  return {
    baseUrl: target,
    sandboxUrl: sandbox,
    fixtureFile: fixture,
    stores: { databaseUrl: database, redisUrl: redis },
  };
}

function whole(text: string, name: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new UsageError(`--${name} must be a whole number of at least ${least}`);
  return value;
}

async function compare([before, after]: readonly string[], { print }: BenchIo): Promise<number> {
  if (!before || !after) throw new UsageError(`compare needs two reports\n\n${usage}`);
  const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
  for (const line of compareReports(read(before), read(after))) print(line);
  return 0;
}
