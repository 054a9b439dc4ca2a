/** One load put on one subject: generators, processor time, memory and the server's own figures around it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cores } from './cores.ts';
import { type Cost, expectedRequests, figuresOf, type LoadFigures } from './figures.ts';
import { runCrew } from './load/crew.ts';
import type { Load } from './load/job.ts';
import { secondsOf } from './load/schedule.ts';
import { compareMetrics, type MetricsPage, readMetrics } from './metrics-page.ts';
import { cpuSecondsOf, type GroupName, residentMbOf } from './processes.ts';
import type { Subject } from './subject.ts';

/** What stays the same over the loads of one subject. */
export interface Session {
  readonly subject: Subject;
  readonly program: string;
  readonly generators: number;
  /** Of the generators. */
  readonly cores: Cores;
  readonly driver: string;
  /** Of all loads so far. */
  readonly promised: { accepted: number; unanswered: number };
  /** So that no key and no number comes twice. */
  nextNumber: number;
  readonly runId: string;
}

export function openSession(
  subject: Subject,
  how: Pick<Session, 'program' | 'generators' | 'cores' | 'driver'>,
): Session {
  return {
    subject,
    ...how,
    promised: { accepted: 0, unanswered: 0 },
    nextNumber: 0,
    runId: Date.now().toString(36),
  };
}

/** More notes than this are a sample: the auditor reads each of them, the count of rows proves the rest. */
const ackedMax = 300_000;
const memorySampleMs = 500;

export async function measure(session: Session, load: Load): Promise<LoadFigures> {
  const { subject, program, generators, cores, driver, runId } = session;
  const { hostname: host, port } = new URL(subject.baseUrl);
  const firstNumber = session.nextNumber;
  const probe = { cost: null as Promise<Watched> | null };
  const { tally, cpuSeconds, lateness } = await runCrew(
    program,
    {
      ...load,
      ...{ driver, runId, firstNumber, processes: generators, cores, fixtureFile: subject.fixtureFile },
      address: { host, port: Number(port || 80) },
      ackedFile: subject.ackedFile,
      ackedEvery: Math.max(1, Math.ceil(expectedRequests(load) / ackedMax)),
    },
    (startAtMs) => {
      probe.cost = watch(subject, load, startAtMs);
    },
  );
  // Users go on where they stopped. Each process counts in steps of their number, and one may have sent all.
  session.nextNumber += generators * tally.seconds.reduce((sum, { offered }) => sum + offered, 0);
  session.promised.accepted += tally.accepted;
  session.promised.unanswered += tally.unanswered;
  if (!probe.cost) throw new Error('the load never began');
  const { cost, before, after } = await probe.cost;
  return figuresOf({
    subject: subject.name,
    load,
    tally,
    cost: { ...cost, cpuSeconds: { ...cost.cpuSeconds, generator: cpuSeconds } },
    lateness,
    server: before && after && compareMetrics(before, after),
  });
}

interface Watched {
  readonly cost: Cost;
  readonly before: MetricsPage | null;
  readonly after: MetricsPage | null;
}

/** From the end of the warm-up to the end of the load. */
async function watch({ baseUrl, processes, members }: Subject, load: Load, startAtMs: number): Promise<Watched> {
  await delay(Math.max(0, startAtMs + load.warmUpSeconds * 1_000 - Date.now()));
  const residentBefore = residentMbOf(processes.server);
  const before = await readMetrics(baseUrl, members);
  const cpuBefore = cpuOf(processes);
  const endMs = startAtMs + secondsOf(load.profile) * 1_000;
  let most = residentBefore;
  while (Date.now() < endMs) {
    await delay(Math.min(memorySampleMs, Math.max(0, endMs - Date.now())));
    const now = residentMbOf(processes.server);
    if (now !== null) most = Math.max(most ?? 0, now);
  }
  const cpuAfter = cpuOf(processes);
  const after = await readMetrics(baseUrl, members);
  const spent = (group: GroupName) => {
    const [from, to] = [cpuBefore[group], cpuAfter[group]];
    return from === null || to === null ? null : to - from;
  };
  return {
    cost: {
      cpuSeconds: { server: spent('server'), redis: spent('redis'), postgres: spent('postgres'), generator: null },
      residentMb: { before: residentBefore, most, after: residentMbOf(processes.server) },
    },
    before,
    after,
  };
}

/** Processor seconds so far, of each group without the others. */
export function cpuOf(processes: Subject['processes']): Readonly<Record<GroupName, number | null>> {
  const { server, redis, postgres } = processes;
  return {
    server: cpuSecondsOf(server, [redis, postgres]),
    redis: cpuSecondsOf(redis),
    postgres: cpuSecondsOf(postgres),
  };
}
