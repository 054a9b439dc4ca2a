/**
 * Cores for the server and its stores, and others for the generators: on one machine a crowd otherwise takes from the
 * server what it needs to come. With taskset(1), so Linux only.
 */
import { cpus } from 'node:os';
import { UsageError } from '../config.ts';

/** As taskset takes it; null: all cores. */
export type Cores = string | null;

export interface Split {
  readonly server: Cores;
  readonly generators: Cores;
}

/** The first `serverCores` for the server, the rest for the generators; 0: everybody shares all. Throws when nothing is left. */
export function splitCores(serverCores: number, inAll = cpus().length): Split {
  if (serverCores === 0) return { server: null, generators: null };
  if (serverCores >= inAll)
    throw new UsageError(`--server-cores must leave one of the ${inAll} cores to the generators`);
  return { server: `0-${serverCores - 1}`, generators: `${serverCores}-${inAll - 1}` };
}

/** The same command, kept to its cores. It is replaced by what it starts, whose process id is therefore its own. */
export function keptTo(cores: Cores, command: readonly string[]): readonly [string, ...string[]] {
  return (cores === null ? command : ['taskset', '-c', cores, ...command]) as [string, ...string[]];
}
