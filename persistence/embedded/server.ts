/**
 * Keeps one database server running beside this process: finds it, starts it, waits for it, stops it.
 * What the server is (its files, flags and sign of life) is the business of postgres.ts and redis.ts.
 *
 * The server is a process in a session of its own: Ctrl-C in our terminal does not reach it, and it outlives a
 * kill -9 of ours. Then the next start adopts it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface Server {
  readonly name: string;
  /** Its first line is the process id. Written and removed by the server itself. */
  readonly pidFile: string;
  readonly logFile: string;
  /** Stands in the log of a start that failed for a reason which passes by itself. */
  readonly passing: RegExp | null;
  /** A path that stands in the command line of this server and of no other process. */
  readonly mark: string;
  readonly stopSignal: NodeJS.Signals;
  /** True when a server with our secret and our data answers; never rejects. */
  answers(): Promise<boolean>;
  launch(): Promise<ChildProcess>;
}

/** A user of the operating system under whom a process runs. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

interface Launched {
  readonly child: ChildProcess;
  /** Where in the server's log the lines of this launch begin. */
  readonly logStart: number;
}

const pollMs = 20;
const startLimitMs = 60_000;
const stopLimitMs = 60_000;

/** Answers true when the server was started, false when it ran already. Rejects with the end of the server's log. */
export async function ensureRunning(server: Server): Promise<boolean> {
  if (await server.answers()) return false;
  let launched: Launched | null = null;
  const deadlineMs = Date.now() + startLimitMs;
  do {
    if (launched ? hasEnded(launched.child) : runningPid(server) === null) {
      if (launched && !server.passing?.test(logOf(server, launched))) throw failure(server, launched);
      launched = await launchAnew(server);
    }
    if (Date.now() > deadlineMs) throw failure(server, launched);
    await delay(pollMs);
  } while (!(await server.answers()));
  return launched !== null;
}

/** Asks the server to stop and waits until its process is gone. Does nothing when it does not run. */
export async function stopServer(server: Server): Promise<void> {
  const pid = runningPid(server);
  if (pid === null) return;
  process.kill(pid, server.stopSignal);
  const deadlineMs = Date.now() + stopLimitMs;
  while (commandOf(pid).includes(server.mark)) {
    if (Date.now() > deadlineMs) throw new Error(`${server.name} (process ${pid}) did not stop`);
    await delay(pollMs);
  }
}

/** A pid file can outlive its process, and the number can be another's by now: the command line decides. */
export function runningPid(server: Server): number | null {
  const pid = readPid(server.pidFile);
  return pid !== null && commandOf(pid).includes(server.mark) ? pid : null;
}

/** Starts a process in a session of its own, its output appended to `logFile`. Rejects when it cannot be run. */
export async function spawnDetached(
  command: string,
  args: readonly string[],
  place: { readonly cwd: string; readonly logFile: string; readonly identity?: Identity | null },
): Promise<ChildProcess> {
  const log = openSync(place.logFile, 'a', 0o600);
  try {
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: place.cwd,
      ...place.identity,
    });
    await once(child, 'spawn');
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/**
 * A pid file with the number of a stranger is removed: both servers would take the stranger for their predecessor.
 * One of a dead process stays, because PostgreSQL finds in it what to check before it starts on the same data.
 */
async function launchAnew(server: Server): Promise<Launched> {
  const pid = readPid(server.pidFile);
  if (pid !== null && commandOf(pid) !== '') rmSync(server.pidFile, { force: true });
  const logStart = readIfThere(server.logFile).length;
  return { child: await server.launch(), logStart };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function failure(server: Server, launched: Launched | null): Error {
  return new Error(`${server.name} did not start:\n${logOf(server, launched).split('\n').slice(-15).join('\n')}`);
}

function logOf(server: Server, launched: Launched | null): string {
  return readIfThere(server.logFile).slice(launched?.logStart ?? 0);
}

function readPid(file: string): number | null {
  const pid = Number.parseInt(readIfThere(file), 10);
  return pid > 0 ? pid : null;
}

/** The command line of a living process; empty for a dead one, also while its parent has not collected it yet. */
export function commandOf(pid: number): string {
  if (process.platform === 'linux') return readIfThere(`/proc/${pid}/cmdline`);
  return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout;
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
