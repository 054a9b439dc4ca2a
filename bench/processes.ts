/** What processes of this machine have used, from /proc (Linux; elsewhere nothing is known). */
import { readdirSync, readFileSync } from 'node:fs';

/** Of the system under test. A group is a process with all its children. Null: unknown, or on another machine. */
export interface ProcessGroups {
  readonly server: number | null;
  readonly redis: number | null;
  readonly postgres: number | null;
}

export type GroupName = keyof ProcessGroups;

/** `USER_HZ`: what /proc counts in, 100 a second on every Linux of ours. */
const ticksPerSecond = 100;
const pageBytes = 4_096;

interface Stat {
  readonly parent: number;
  /** User and system time of the process. */
  readonly ownTicks: number;
  /** Of its children that have ended and were waited for. */
  readonly endedTicks: number;
  readonly residentBytes: number;
  /** Since the machine began. */
  readonly startTicks: number;
}

/** See proc_pid_stat(5). The name in parentheses may hold anything, so fields are counted from its end. */
function readStat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const field = (number: number) => Number(fields[number - 3]);
    return {
      parent: field(4),
      ownTicks: field(14) + field(15),
      endedTicks: field(16) + field(17),
      residentBytes: field(24) * pageBytes,
      startTicks: field(22),
    };
  } catch {
    return null;
  }
}

/**
 * Processor seconds of a process and of all that descend from it, also of those that have ended and were waited for;
 * `except` and what descends from those is left out (a server may have started its stores). Null: no such process.
 */
export function cpuSecondsOf(pid: number | null, except: readonly (number | null)[] = []): number | null {
  const root = pid === null ? null : readStat(pid);
  if (pid === null || !root) return null;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const processes = pids.flatMap((name) => {
    const stat = except.includes(Number(name)) ? null : readStat(Number(name));
    return stat ? [{ pid: Number(name), ...stat }] : [];
  });
  const ticksOf = (process: Stat & { readonly pid: number }): number =>
    processes
      .filter(({ parent }) => parent === process.pid)
      .reduce((sum, child) => sum + ticksOf(child), process.ownTicks + process.endedTicks);
  return ticksOf({ pid, ...root }) / ticksPerSecond;
}

/** Processor seconds of those children of this process that have ended and were waited for. */
export function endedChildrenCpuSeconds(): number {
  return (readStat(process.pid)?.endedTicks ?? 0) / ticksPerSecond;
}

/** Resident memory of one process without its children. */
export function residentMbOf(pid: number | null): number | null {
  const stat = pid === null ? null : readStat(pid);
  return stat && Math.round(stat.residentBytes / 1024 ** 2);
}

export function parentOf(pid: number): number | null {
  return readStat(pid)?.parent ?? null;
}

/** When a process began, in ticks since the machine did; 0: there is none. */
export function startOf(pid: number): number {
  return readStat(pid)?.startTicks ?? 0;
}
