/**
 * `onsale bench cluster`: a rush through several nodes on one port, while one of them at random is killed -9 or paused, or
 * each in turn is restarted, again and again. After each blow every zone is asked until it answers: that is how long it was
 * away for a buyer who does not let go. At the end, the audit, and the batches that the stores refused.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build } from 'hdr-histogram-js';
import { auditTable } from '../cli/audit.ts';
import type { Fixture } from '../cli/seed.ts';
import { UsageError } from '../config.ts';
import { type Chance, chanceFrom } from './chance.ts';
import { loadSteadily, type SteadyLoad, steadyLines, warmUpSeconds } from './cluster-load.ts';
import { type Crowd, eager, type Mood } from './crowd.ts';
import { createHttpClient, type HttpClient } from './http-client.ts';
import type { Tally } from './load/tally.ts';
import { readMetrics } from './metrics-page.ts';
import { openRush } from './own-rush.ts';
import { type OwnServer, prepareServer } from './own-server.ts';
import { parentOf, startOf } from './processes.ts';
import { auditSettled, type Sale } from './rush-scene.ts';

const blows = ['kill', 'pause', 'restart'] as const;

interface ClusterOptions {
  readonly nodes: number;
  readonly zones: number;
  readonly seatsPerZone: number;
  readonly blow: (typeof blows)[number];
  readonly blows: number;
  /** From one blow to the next. */
  readonly everySeconds: number;
  /** Buyers who come in a second. */
  readonly perSecond: number;
  readonly pauseSeconds: number;
  /** Reservations a second beside the buyers, open loop; 0: none. */
  readonly rate: number;
  readonly seed: number;
}

interface ClusterIo {
  readonly program: string;
  readonly print: (line: string) => void;
}

const users = 20_000;
/** Holds run out and seats come back; under a steady load that would double it, and nobody lets a hold run out. */
const holdSecondsOf = ({ rate }: ClusterOptions) => (rate > 0 ? 600 : 8);
const decided: Mood = { ...eager, 'pays-late': 0, 'bad-card': 0, 'walks-away': 0 };
const waitMs = 10_000;
const settlePatienceMs = 90_000;
/** A zone that does not answer for so long is a failure of its own. */
const awayLimitMs = 5_000;
const probePauseMs = 25;
const probeTimeoutMs = 1_000;

export const clusterUsage = `  cluster a rush through several nodes on one port, one of which is killed, paused or restarted again and again
          [--nodes 3] [--zones 45] [--seats 400] [--blow kill|pause|restart] [--blows 30] [--every 10]
          [--pause 6] [--per-second 50] [--rate 0] [--seed 1]`;

/** The exit code: 0 when no promise was broken and no zone was away for longer than the limit. */
export function runCluster(args: string[], io: ClusterIo): Promise<number> {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    args,
    options: {
      nodes: text('3'),
      zones: text('45'),
      seats: text('400'),
      blow: text('kill'),
      blows: text('30'),
      every: text('10'),
      pause: text('6'),
      'per-second': text('50'),
      rate: text('0'),
      seed: text('1'),
    },
  });
  const whole = (name: Exclude<keyof typeof values, 'blow'>, least: number) => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < least) throw new UsageError(`--${name} must be at least ${least}`);
    return value;
  };
  const blow = blows.find((each) => each === values.blow);
  if (!blow) throw new UsageError(`--blow is one of ${blows.join(', ')}`);
  const nodes = whole('nodes', 2);
  const sale = { zones: whole('zones', 1), seatsPerZone: whole('seats', 1), perSecond: whole('per-second', 1) };
  const times = { blows: whole('blows', 1), everySeconds: whole('every', 2), pauseSeconds: whole('pause', 1) };
  const fate = { blow, ...times, rate: whole('rate', 0), seed: whole('seed', 0) };
  return rushThrough({ nodes, ...sale, ...fate }, io);
}

async function rushThrough(options: ClusterOptions, { program, print }: ClusterIo): Promise<number> {
  const server = await prepareServer({ program, holdSeconds: holdSecondsOf(options), nodes: options.nodes });
  let passed = false;
  try {
    await server.start();
    const { fixture, stage, crowd, place } = await openRush(server, {
      sale: saleOf(options),
      waitMs,
      seed: options.seed,
    });
    try {
      const load = steadyLoad(options, { program, baseUrl: server.baseUrl, ackedFile: place.ackedFile });
      if (options.rate > 0) await delay(warmUpSeconds * 1_000);
      const away = await underBlows(options, { server, crowd, fixture, print });
      await crowd.gone();
      const steady = await load;
      for (const line of steady ? steadyLines(steady) : []) print(line);
      print(await refusedBatches(server.baseUrl, options.nodes));
      const audit = await auditSettled(place, settlePatienceMs);
      const { name, p50, p99, most } = awayFigures(options, away);
      for (const line of auditTable(audit)) print(line);
      for (const trouble of crowd.troubles) print(`trouble: ${trouble}`);
      print(`${crowd.came} buyers came, ${stage.acked.lines} promises were noted`);
      print(`${name}: a zone was away for ${p50} ms (P50), ${p99} ms (P99), ${most} ms at most`);
      // Whoever is killed or paused answers nothing; whoever is restarted lets nobody down.
      const failed = options.blow === 'restart' && steady ? steady.byVerdict.failed.totalCount : 0;
      passed = audit.clean && crowd.troubles.length === 0 && most < awayLimitMs && failed === 0;
      print(passed ? 'cluster: passed' : 'cluster: FAILED');
    } finally {
      await stage.close();
    }
  } finally {
    if (!passed) print(`kept for a look: ${server.dataDir}`);
    await server.close(!passed);
  }
  return passed ? 0 : 1;
}

/** Room for all that will be asked. */
function saleOf({ zones, seatsPerZone: seats, rate, ...options }: ClusterOptions): Sale {
  const asked = rate * (warmUpSeconds + secondsOf(options));
  const seatsPerZone = seats + Math.ceil((1.2 * asked) / zones);
  return { users, zones, seatsPerZone, maxPerUser: 10 + Math.ceil((1.2 * asked) / users) };
}

function secondsOf({ blows: count, everySeconds }: Pick<ClusterOptions, 'blows' | 'everySeconds'>): number {
  return count * everySeconds;
}

async function steadyLoad(
  options: ClusterOptions,
  place: Pick<SteadyLoad, 'program' | 'baseUrl' | 'ackedFile'>,
): Promise<Tally | null> {
  const { rate: ratePerSecond, seed } = options;
  if (ratePerSecond === 0) return null;
  const fixtureFile = join(dirname(place.ackedFile), 'fixture.json');
  return loadSteadily({ ...place, ratePerSecond, seconds: secondsOf(options), fixtureFile, seed });
}

/** Of all nodes since they started: late batches of owners that had been replaced. */
async function refusedBatches(baseUrl: string, nodes: number): Promise<string> {
  const page = await readMetrics(baseUrl, nodes);
  const refused = (by: string, why: string) =>
    page?.get(`zone_batches_refused_total{by="${by}",why="${why}"}`) ?? (page ? 0 : 'unknown');
  const counts = (by: string) => `${refused(by, 'fenced')} as fenced and ${refused(by, 'stale')} as stale`;
  return `batches refused by Redis: ${counts('gate')}; by PostgreSQL: ${counts('truth')}`;
}

interface Scene {
  readonly server: OwnServer;
  readonly crowd: Crowd;
  readonly fixture: Fixture;
  readonly print: ClusterIo['print'];
}

/** How long each zone was away after each blow, in ms. */
async function underBlows(
  options: ClusterOptions,
  { server, crowd, fixture, print }: Scene,
): Promise<readonly number[]> {
  const { blows: count, everySeconds, perSecond, blow, rate } = options;
  const chance = chanceFrom(options.seed);
  const probe = createHttpClient({ connectionsMax: 128, timeoutMs: probeTimeoutMs, patienceMs: 0, observe: () => {} });
  const all: number[] = [];
  try {
    for (let number = 1; number <= count; number++) {
      const coming = crowd.admit(perSecond * everySeconds, everySeconds * 1_000, rate > 0 ? decided : eager);
      await delay(1_000);
      strike(options, membersOf(server.pid), chance);
      const away = await Promise.all(
        fixture.zone_ids.map((zoneId, at) =>
          timeAway(probe, { baseUrl: server.baseUrl, fixture, zoneId, key: `probe ${number} ${at}` }),
        ),
      );
      all.push(...away);
      print(
        `${String(number).padStart(3)}  ${blow}: all ${away.length} zones answer after ${Math.round(Math.max(...away))} ms; ${crowd.came} came`,
      );
      await coming;
    }
  } finally {
    probe.close();
  }
  return all;
}

/** Members are restarted in turn, the oldest first; who is killed or paused, chance decides. */
function strike({ blow, pauseSeconds }: ClusterOptions, members: readonly number[], chance: Chance): void {
  const pid = members[blow === 'restart' ? 0 : chance.between(0, members.length - 1)];
  if (pid === undefined) throw new Error('no node runs');
  if (blow === 'kill') process.kill(pid, 'SIGKILL');
  else if (blow === 'restart') process.kill(pid, 'SIGTERM');
  else {
    process.kill(pid, 'SIGSTOP');
    setTimeout(() => process.kill(pid, 'SIGCONT'), pauseSeconds * 1_000);
  }
}

/** The processes of the nodes: children of the server that say so, the one that runs longest first. */
function membersOf(serverPid: number | null): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const members = pids.map(Number).filter((pid) => parentOf(pid) === serverPid && commandOf(pid).includes('--member'));
  return members.sort((one, other) => startOf(one) - startOf(other));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

interface Probe {
  readonly baseUrl: string;
  readonly fixture: Fixture;
  readonly zoneId: string;
  readonly key: string;
}

/** Until somebody decides about one seat of the zone. */
async function timeAway(http: HttpClient, { baseUrl, fixture, zoneId, key }: Probe): Promise<number> {
  const startMs = performance.now();
  // The last users of the fixture are those whom the crowd reaches last.
  const token = fixture.users.at(-1 - fixture.zone_ids.indexOf(zoneId))?.token ?? '';
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key };
  const body = JSON.stringify({ event_id: fixture.event_id, zone_id: zoneId, quantity: 1 });
  for (;;) {
    const asked = { call: 'probe', method: 'POST', url: `${baseUrl}/api/v1/bookings/reserve`, headers, body } as const;
    const answer = await http.send(asked).catch(() => null);
    if (answer && answer.status !== 503) return performance.now() - startMs;
    if (performance.now() - startMs > 10 * awayLimitMs) return Number.POSITIVE_INFINITY;
    await delay(probePauseMs);
  }
}

function awayFigures({ blow, nodes, zones }: ClusterOptions, away: readonly number[]) {
  const histogram = build({ highestTrackableValue: 600_000 });
  for (const ms of away) histogram.recordValue(Math.min(600_000, Math.round(ms)));
  const [p50, p99] = [histogram.getValueAtPercentile(50), histogram.getValueAtPercentile(99)];
  return { name: `${blow} of one of ${nodes} nodes, ${zones} zones`, p50, p99, most: Math.round(Math.max(0, ...away)) };
}
