/** The built program as a process of its own: `onsale serve`, so that a test may kill it, and the other commands. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { inject } from 'vitest';

export interface NodeProcess {
  readonly url: string;
  /** As Ctrl-C does. */
  stop(): Promise<void>;
  /** As `kill -9` does: nothing is finished, nothing is said. */
  kill(): Promise<void>;
  /** SIGSTOP, as a pause of a virtual machine does. */
  pause(): void;
  resume(): void;
}

const root = join(import.meta.dirname, '..');

let built: Promise<unknown> | undefined;

type Environment = Readonly<Record<string, string>>;

/** Runs a command to its end. */
export async function runOnsale(
  args: readonly string[],
  environment: Environment = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = await spawnOnsale(args, environment);
  const ended = once(child, 'exit');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await ended;
  return { code: child.exitCode, stdout, stderr };
}

async function spawnOnsale(args: readonly string[], environment: Environment) {
  // As `npm start` does: silent and quick when the build is of these sources.
  built ??= promisify(execFile)(process.execPath, [join(root, 'scripts', 'setup.mjs')]);
  await built;
  const { PATH = '', HOME = '' } = process.env;
  const folder = mkdtempSync(join(inject('storesFolder'), 'node-'));
  const child = spawn(process.execPath, [join(root, 'bin', 'onsale.mjs'), ...args], {
    env: { PATH, HOME, ONSALE_DATA_DIR: join(folder, 'data'), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Whatever becomes of the test, the end of the run ends what is written there (store-reaper.mjs).
  const pidFile = join(folder, 'node.pid');
  writeFileSync(pidFile, String(child.pid));
  child.once('exit', () => rmSync(pidFile));
  return child;
}

/** Resolves when it serves. Rejects with what it said when it ends instead. */
export async function spawnNode(environment: Environment, flags: readonly string[] = []): Promise<NodeProcess> {
  const child = await spawnOnsale(['serve', ...flags], environment);
  const url = await readyUrl(child);
  return {
    url,
    stop: () => end(child, 'SIGTERM'),
    kill: () => end(child, 'SIGKILL'),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  };
}

function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (bytes) => {
      said += bytes;
    });
    child.once('exit', (code) => reject(new Error(`onsale serve ended with ${code}: ${said}`)));
    if (!child.stdout) throw new Error('the process has no stdout');
    createInterface(child.stdout).on('line', (line) => {
      const [, url] = /^onsale ready (.+)$/.exec(line) ?? [];
      if (url) resolve(url);
    });
  });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}
