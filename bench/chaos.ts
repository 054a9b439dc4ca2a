/**
 * `onsale bench chaos`: a rush during which server and stores are killed at random moments. After each fault the sale
 * must go on and the audit be clean; in the end every seat is sold, no acked booking is lost, none was sold twice.
 *
 * The buyers and their notes live in this process, which no fault reaches. A run is told by its seed, as far as the
 * timing of the machine allows.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { auditTable } from '../cli/audit.ts';
import type { AuditReport, PromiseName } from '../engine/audit.ts';
import { type Chance, chanceFrom } from './chance.ts';
import { type Crowd, eager, type Mood } from './crowd.ts';
import { type Fault, faults } from './faults.ts';
import { openRush } from './own-rush.ts';
import { type OwnServer, prepareServer } from './own-server.ts';
import { rushTable } from './rush-report.ts';
import { type AuditedPlace, auditNow, auditSettled, type Stage } from './rush-scene.ts';

export interface ChaosOptions {
  /** How often each fault strikes, in random order. */
  readonly strikes: Readonly<Record<Fault, number>>;
  readonly seatsPerZone: number;
  readonly zones: number;
  readonly holdSeconds: number;
  /** Buyers who come in a second. */
  readonly perSecond: number;
  readonly seed: number;
}

export interface ChaosIo {
  readonly program: string;
  readonly print: (line: string) => void;
}

/** Seats come and go, few are sold: the stock must last until the last fault. */
const fickle: Mood = {
  pays: 3,
  'pays-and-waits': 3,
  'pays-late': 3,
  'second-card': 1,
  'bad-card': 10,
  cancels: 50,
  'walks-away': 30,
};
const calmLeastMs = 300;
const calmMostMs = 2_500;
/** A fault is over when a buyer is promised something again; longer than this is a failure of its own. */
const recoveryLimitMs = 60_000;
const settlePatienceMs = 90_000;
const admitPeriodMs = 500;
const users = 20_000;
const waitMs = 10_000;

interface Struck {
  readonly fault: Fault;
  /** `died`: the server ended by itself and had to be started by hand. `none`: no promise within the limit. */
  readonly recovery: 'back' | 'died' | 'none';
  /** From the fault, restarts included, to the next promise to a buyer. */
  readonly awayMs: number;
  readonly audit: AuditReport;
}

/** The exit code: 0 when every audit was clean, the sale went on after each fault, and exactly the capacity was sold. */
export async function runChaos(options: ChaosOptions, { program, print }: ChaosIo): Promise<number> {
  const server = await prepareServer({ program, holdSeconds: options.holdSeconds });
  let keep = true;
  try {
    await server.start();
    const { zones, seatsPerZone, seed } = options;
    const { stage, crowd, place } = await openRush(server, { sale: { users, zones, seatsPerZone }, waitMs, seed });
    try {
      keep = !(await rushThrough(options, { server, stage, crowd, place, print }));
    } finally {
      await stage.close();
    }
  } finally {
    if (keep) print(`kept for a look: ${server.dataDir}`);
    await server.close(keep);
  }
  return keep ? 1 : 0;
}

interface Drill {
  readonly server: OwnServer;
  readonly stage: Stage;
  readonly crowd: Crowd;
  readonly place: AuditedPlace;
  readonly print: ChaosIo['print'];
}

/** True when the run passed. */
async function rushThrough(options: ChaosOptions, drill: Drill): Promise<boolean> {
  const { stage, crowd, place, print } = drill;
  const chance = chanceFrom(options.seed);
  const order = shuffled(options.strikes, chance);
  const capacity = options.zones * options.seatsPerZone;
  print(`chaos: ${order.length} faults, ${capacity} seats, seed ${options.seed}`);
  const startMs = Date.now();
  const struck: Struck[] = [];
  // Money comes in as fast as the faults go by, so that the stock lasts until the last of them.
  const mood = () => (soldOf(stage) / capacity < (0.6 * struck.length) / order.length ? eager : fickle);
  const pump = startPump(crowd, options.perSecond, mood);
  try {
    for (const fault of order) {
      await delay(chance.between(calmLeastMs, calmMostMs));
      const one = await strike(fault, chance, drill);
      struck.push(one);
      print(strikeLine(struck.length, one, drill));
      if (one.recovery === 'none') break;
    }
  } finally {
    await pump.stop();
  }
  while (!stage.board.isSoldOut && crowd.troubles.length === 0) await crowd.admit(options.perSecond, 1_000, eager);
  await crowd.gone();
  const audit = await auditSettled(place, settlePatienceMs);
  const zones = await stage.shop.zones();
  const sold = zones.reduce((sum, zone) => sum + zone.sold, 0);
  const figures = { capacity, sold, seconds: (Date.now() - startMs) / 1_000, endings: crowd.endings };
  const calls = stage.latencies.figures();
  for (const line of rushTable({ ...figures, buyers: crowd.came, calls, troubles: crowd.troubles })) print(line);
  for (const line of [...auditTable(audit), ...summary(struck, audit)]) print(line);
  const passed =
    sold === capacity &&
    audit.clean &&
    crowd.troubles.length === 0 &&
    struck.length === order.length &&
    struck.every((one) => one.audit.clean && one.recovery === 'back');
  print(passed ? 'chaos: passed' : 'chaos: FAILED');
  return passed;
}

async function strike(fault: Fault, chance: Chance, { server, stage, place }: Drill): Promise<Struck> {
  const startMs = performance.now();
  await faults[fault].strike(server, chance);
  const before = stage.acked.lines;
  let hasDied = false;
  while (stage.acked.lines === before && performance.now() - startMs < recoveryLimitMs) {
    if (!server.isRunning) {
      hasDied = true;
      await server.start();
    }
    await delay(20);
  }
  const awayMs = performance.now() - startMs;
  const recovery = hasDied ? 'died' : stage.acked.lines > before ? 'back' : 'none';
  return { fault, recovery, awayMs, audit: await auditNow(place) };
}

/** Keeps buyers coming until it is stopped. */
function startPump(crowd: Crowd, perSecond: number, mood: () => Mood): { stop(): Promise<void> } {
  let isStopped = false;
  const pump = async () => {
    while (!isStopped) await crowd.admit(Math.ceil((perSecond * admitPeriodMs) / 1_000), admitPeriodMs, mood());
  };
  const pumping = pump();
  return {
    async stop() {
      isStopped = true;
      await pumping;
    },
  };
}

function soldOf({ board }: Stage): number {
  return board.zones.reduce((sum, zone) => sum + zone.sold, 0);
}

/** Fisher-Yates. */
function shuffled(strikes: ChaosOptions['strikes'], chance: Chance): readonly Fault[] {
  const order = (Object.keys(strikes) as Fault[]).flatMap((fault) => Array<Fault>(strikes[fault]).fill(fault));
  for (let last = order.length - 1; last > 0; last--) {
    const other = chance.between(0, last);
    [order[last], order[other]] = [order[other] as Fault, order[last] as Fault];
  }
  return order;
}

function strikeLine(number: number, { fault, recovery, awayMs, audit }: Struck, { stage, crowd }: Drill): string {
  const words = { back: 'back', died: 'DIED, back', none: 'NOT BACK' } as const;
  const back = `${words[recovery]} after ${Math.round(awayMs)} ms`;
  const bad = audit.findings.filter((finding) => finding.kind === 'violation').map((finding) => finding.sentence);
  const verdict = audit.clean ? 'audit clean' : `audit VIOLATED: ${bad.slice(0, 3).join('; ')}`;
  const progress = `${crowd.came} came, ${stage.acked.lines} acks, ${soldOf(stage)} sold`;
  return `${String(number).padStart(3)}  ${fault.padEnd(14)} ${back.padEnd(22)} ${progress.padEnd(40)} ${verdict}`;
}

function summary(struck: readonly Struck[], audit: AuditReport): readonly string[] {
  const broken = (promise: PromiseName) =>
    [...struck.map((one) => one.audit), audit]
      .flatMap((report) => report.checks)
      .filter((check) => check.promise === promise)
      .reduce((sum, check) => sum + check.violations, 0);
  const kinds = [...new Set(struck.map((one) => one.fault))].map((fault) => {
    const of = struck.filter((one) => one.fault === fault);
    const slowest = Math.max(...of.map((one) => one.awayMs));
    return `${fault.padEnd(14)} ${String(of.length).padStart(3)} times, back after at most ${Math.round(slowest)} ms: ${faults[fault].what}`;
  });
  return [...kinds, `${broken('P2')} acked bookings lost or changed, ${broken('P1')} violations of never oversold`];
}
