/**
 * One generator process. It gets its job over the channel to its parent, says when it is ready, begins at the instant
 * it is told, and sends back what it counted. `onsale bench generator`; for no one but crew.ts.
 */
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { finished } from 'node:stream/promises';
import type { Fixture } from '../../cli/seed.ts';
import type { AckedBooking } from '../../engine/audit.ts';
import { chanceFrom } from '../chance.ts';
import { type Driver, findDriver, wireText } from '../drivers/driver.ts';
import { runClosedLoop } from './closed-loop.ts';
import { runHerd } from './herd.ts';
import type { GeneratorJob, GeneratorResult, Lateness } from './job.ts';
import { runOpenLoop, type Work } from './open-loop.ts';
import { scheduleArrivals, secondsOf } from './schedule.ts';
import { openTally, packTally, type Recorder, recordInto, undeclared } from './tally.ts';

/** Resolves when the result has been handed to the parent. */
export async function runGenerator(): Promise<number> {
  const send = process.send?.bind(process);
  if (!send) throw new Error('a generator has a parent');
  process.on('disconnect', () => process.exit(1));
  const [job] = (await once(process, 'message')) as [GeneratorJob];
  const fixture: Fixture = JSON.parse(await readFile(job.fixtureFile, 'utf8'));
  const driver = (await findDriver(job.driver))(fixture, job.runId);
  send({ ready: true });
  const [{ startAtMs }] = (await once(process, 'message')) as [{ readonly startAtMs: number }];
  const result = await generate(job, driver, performance.now() + startAtMs - Date.now());
  await new Promise<void>((resolve) => send(result, undefined, {}, () => resolve()));
  process.disconnect();
  return 0;
}

/** `startMs` is of `performance.now()`. */
async function generate(job: GeneratorJob, driver: Driver, startMs: number): Promise<GeneratorResult> {
  const tally = openTally();
  const recorder = recordInto(tally, startMs, job.warmUpSeconds);
  const notes = job.ackedFile === null ? null : createWriteStream(job.ackedFile, { mode: 0o600 });
  const work = workOf(job, driver, { recorder, notes });
  const spent = spentFrom(startMs + job.warmUpSeconds * 1_000);
  await Promise.all([drive(job, work, { startMs, recorder }), driveHerd(job, work, { startMs, recorder })]);
  const { cpuSeconds, lateness } = spent();
  if (notes) {
    notes.end();
    await finished(notes);
  }
  return { tally: packTally(tally), cpuSeconds, lateness };
}

interface Course {
  readonly startMs: number;
  readonly recorder: Recorder;
}

function drive(job: GeneratorJob, work: Work, { startMs, recorder: { due, backlog } }: Course): Promise<void> {
  const { profile, spacing, share } = job;
  if (job.loop === 'closed') return runClosedLoop(work, { startMs, endMs: startMs + secondsOf(profile) * 1_000, due });
  const chance = spacing === 'poisson' ? chanceFrom(job.seed + share.index) : null;
  return runOpenLoop(work, {
    startMs,
    arrivals: scheduleArrivals(profile, share, chance),
    due,
    backlog,
  });
}

async function driveHerd({ herd, share }: GeneratorJob, work: Work, { startMs, recorder }: Course): Promise<void> {
  if (!herd) return;
  // The first processes take the remainder.
  const sockets = Math.floor(herd.sockets / share.count) + (share.index < herd.sockets % share.count ? 1 : 0);
  const atMs = startMs + herd.atSeconds * 1_000;
  await runHerd(work, { atMs, sockets, connectsBefore: herd.connectsBefore, due: recorder.due });
}

function workOf(
  job: GeneratorJob,
  driver: Driver,
  { recorder, notes }: { readonly recorder: Recorder; readonly notes: WriteStream | null },
): Work {
  const { address, connections, timeoutMs, unsentMs, share } = job;
  const host = `${address.host}:${address.port}`;
  let number = job.firstNumber + share.index;
  let accepted = 0;
  return {
    ...{ address, connections, timeoutMs, unsentMs, keepBodies: true },
    compose: ({ number: n, intendedMs }) => wireText(driver.request(n, performance.timeOrigin + intendedMs), host),
    nextNumber() {
      const next = number;
      number += share.count;
      return next;
    },
    settle(exchange, answer, doneMs) {
      const { intendedMs, sentMs } = exchange;
      if (typeof answer === 'string') {
        const wasSent = answer !== 'unsent';
        const failed = { verdict: 'failed', reason: answer, isUnknown: wasSent } as const;
        recorder.settled({ intendedMs, sentMs: wasSent ? sentMs : null, doneMs, ...failed });
        return;
      }
      const verdict = driver.judge(answer);
      const reason = verdict === 'failed' ? `${undeclared}${answer.status}` : String(answer.status);
      recorder.settled({ intendedMs, sentMs, doneMs, verdict, reason, isUnknown: false });
      if (verdict !== 'accepted' || !notes || accepted++ % job.ackedEvery !== 0) return;
      const acked = driver.acked(exchange.number, answer);
      if (acked) notes.write(ackedLine(acked));
    },
  };
}

/** As `onsale audit --acked` reads it. Ids and keys need no escaping. */
function ackedLine({ bookingId, userId, eventId, zoneId, quantity, status, key }: AckedBooking): string {
  return `{"booking_id":"${bookingId}","user_id":"${userId}","event_id":"${eventId}","zone_id":"${zoneId}","quantity":${quantity},"status":"${status}","key":"${key}"}\n`;
}

/** What this process spends from the moment `fromMs` on, or from now when the work ends before. */
function spentFrom(fromMs: number): () => Pick<GeneratorResult, 'cpuSeconds' | 'lateness'> {
  let before = process.cpuUsage();
  const delays = monitorEventLoopDelay({ resolution: timerMs });
  delays.enable();
  const timer = setTimeout(() => {
    before = process.cpuUsage();
    delays.reset();
  }, fromMs - performance.now());
  return () => {
    clearTimeout(timer);
    delays.disable();
    const { user, system } = process.cpuUsage(before);
    const lateMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - timerMs);
    const lateness: Lateness = { p99Ms: lateMs(delays.percentile(99)), maxMs: lateMs(delays.max) };
    return { cpuSeconds: (user + system) / 1e6, lateness };
  };
}

const timerMs = 1;
