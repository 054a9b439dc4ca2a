/** Where and what was measured: without it a figure means nothing. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  /** Of the minute before: above 0 the machine was not quiet. */
  readonly loadBefore: number;
  /** With `+changes` when the tree differed from it; `unknown` outside a repository. */
  readonly commit: string;
}

export function readMachine(): MachineFacts {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    system: `${process.platform} ${release()}`,
    node: process.version,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    commit: readCommit(),
  };
}

function readCommit(): string {
  try {
    // The repository of the program, wherever it was started.
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', join(import.meta.dirname, '..'), ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    const changed = git('status', '--porcelain', '--untracked-files=no').trim() !== '';
    return `${git('rev-parse', '--short=12', 'HEAD').trim()}${changed ? '+changes' : ''}`;
  } catch {
    return 'unknown';
  }
}
