/**
 * A server of others, by its command line: all that is asked of it is to print a line with its address and
 * `EVENT=… ZONE=…`, to have written access tokens to `tokens.txt` in its working directory by then, and to end on SIGINT.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Counter } from './wrk.ts';

export interface OtherServer {
  readonly counter: Counter;
  readonly pid: number | null;
  /** How many tokens there are. */
  readonly users: number;
  /** Ends it. Resolves with what it printed after its address. */
  close(): Promise<readonly string[]>;
}

const startLimitMs = 90_000;
const endLimitMs = 30_000;
const readyLine = /(http:\/\/\S+) EVENT=(\S+) ZONE=(\S+)/;

/** `command` is for sh(1), which runs it in a folder of its own: paths in it must be absolute. */
export async function startOther(command: string): Promise<OtherServer> {
  const folder = mkdtempSync(join(tmpdir(), 'onsale-other-'));
  chmodSync(folder, 0o755);
  const child = spawn('sh', ['-c', `exec ${command}`], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  // Not `exit`, after which its last words may still be on their way.
  const ended = once(child, 'close');
  const printed: string[] = [];
  const lines = createInterface({ input: child.stdout });
  const close = async () => {
    child.kill('SIGINT');
    const impatience = setTimeout(() => child.kill('SIGKILL'), endLimitMs);
    await ended;
    clearTimeout(impatience);
    rmSync(folder, { recursive: true, force: true });
    return printed;
  };
  const ready = new Promise<RegExpExecArray>((resolve) => {
    lines.on('line', (line) => {
      const match = readyLine.exec(line);
      if (match) resolve(match);
      else printed.push(line);
    });
  });
  const limit = AbortSignal.timeout(startLimitMs);
  try {
    const [, baseUrl = '', eventId = '', zoneId = ''] = await Promise.race([
      ready,
      ended.then(([code]) => Promise.reject(new Error(`the other server ended with ${code}`))),
      once(limit, 'abort').then(() => Promise.reject(new Error('the other server printed no address'))),
    ]);
    const tokensFile = join(folder, 'tokens.txt');
    const users = readFileSync(tokensFile, 'utf8').trimEnd().split('\n').length;
    return { counter: { baseUrl, eventId, zoneId, tokensFile }, pid: child.pid ?? null, users, close };
  } catch (error) {
    await close();
    throw error;
  }
}
