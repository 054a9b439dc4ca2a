/**
 * The generator processes: started before a measurement, given their shares of one load, begun at one instant, added up
 * at the end.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, rmSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { type Cores, keptTo } from '../cores.ts';
import type { GeneratorJob, GeneratorResult, Lateness } from './job.ts';
import { mergeTallies, type Tally } from './tally.ts';

export interface CrewJob extends Omit<GeneratorJob, 'share'> {
  readonly processes: number;
  /** On which they run. */
  readonly cores: Cores;
}

export interface CrewResult {
  readonly tally: Tally;
  /** Of the measured time, of all generators. */
  readonly cpuSeconds: number;
  /** Of the latest of them. */
  readonly lateness: Lateness;
}

/** Between the order to begin and the beginning: all must have heard it, and their connections must be open. */
const leadMs = 500;
const leadMsPerConnection = 0.25;

/** Runs one load. `begin` is called with the wall-clock time at which it will start. */
export async function runCrew(program: string, job: CrewJob, begin: (startAtMs: number) => void): Promise<CrewResult> {
  const { processes, cores, ...common } = job;
  const [execPath, ...execArgv] = keptTo(cores, [process.execPath]);
  const members = Array.from({ length: processes }, () =>
    fork(program, ['bench', 'generator'], { execPath, execArgv }),
  );
  try {
    const jobs = members.map((_, index) => shareOf(common, { index, count: processes }));
    await Promise.all(members.map((member, index) => tell(member, jobs[index])));
    const startAtMs = Date.now() + leadMs + leadMsPerConnection * job.connections;
    begin(startAtMs);
    const results = (await Promise.all(members.map((member) => tell(member, { startAtMs })))) as GeneratorResult[];
    if (common.ackedFile !== null) await gatherNotes(jobs, common.ackedFile);
    return {
      tally: mergeTallies(results.map(({ tally }) => tally)),
      cpuSeconds: results.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
      lateness: {
        p99Ms: Math.max(...results.map(({ lateness }) => lateness.p99Ms)),
        maxMs: Math.max(...results.map(({ lateness }) => lateness.maxMs)),
      },
    };
  } finally {
    for (const member of members) member.kill();
  }
}

function shareOf(job: Omit<CrewJob, 'processes' | 'cores'>, share: GeneratorJob['share']): GeneratorJob {
  const connections = Math.ceil(job.connections / share.count);
  return { ...job, share, connections, ackedFile: job.ackedFile === null ? null : `${job.ackedFile}.${share.index}` };
}

/** Resolves with the next message of the member. Rejects when it ends instead. */
async function tell(member: ChildProcess, message: object | undefined): Promise<unknown> {
  const watch = new AbortController();
  const { signal } = watch;
  try {
    const answered = once(member, 'message', { signal });
    const ended = once(member, 'exit', { signal }).then(([code]) => {
      throw new Error(`a generator ended with ${code}`);
    });
    member.send(message ?? {});
    const [answer] = (await Promise.race([answered, ended])) as [unknown];
    return answer;
  } finally {
    watch.abort();
  }
}

/** The members' notes as one file. */
async function gatherNotes(jobs: readonly GeneratorJob[], file: string): Promise<void> {
  for (const { ackedFile } of jobs) {
    if (ackedFile === null) continue;
    await pipeline(createReadStream(ackedFile), createWriteStream(file, { flags: 'a', mode: 0o600 }));
    rmSync(ackedFile);
  }
}
