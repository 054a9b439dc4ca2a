/** `onsale serve` as a process of its own, so that a test may kill it. It runs the built program. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

export interface NodeProcess {
  readonly url: string;
  /** As Ctrl-C does. */
  stop(): Promise<void>;
  /** As `kill -9` does: nothing is finished, nothing is said. */
  kill(): Promise<void>;
}

const root = join(import.meta.dirname, '..');

let built: Promise<unknown> | undefined;

/** Resolves when it serves. Rejects with what it said when it ends instead. */
export async function spawnNode(environment: Readonly<Record<string, string>>): Promise<NodeProcess> {
  // As `npm start` does: silent and quick when the build is of these sources.
  built ??= promisify(execFile)(process.execPath, [join(root, 'scripts', 'setup.mjs')]);
  await built;
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [join(root, 'bin', 'onsale.mjs'), 'serve'], {
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A test that fails must not leave it behind.
  const orphan = () => child.kill('SIGKILL');
  process.once('exit', orphan);
  child.once('exit', () => process.off('exit', orphan));
  const url = await readyUrl(child);
  return { url, stop: () => end(child, 'SIGTERM'), kill: () => end(child, 'SIGKILL') };
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
