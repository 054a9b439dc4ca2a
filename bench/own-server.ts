/**
 * A server of one's own to be rough with: `onsale serve` as a process of its own, with private stores in a folder of its
 * own and ports that stay the same from start to start. Killed, it is gone; its stores stay, and the next start adopts
 * them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, openSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePorts } from '../persistence/embedded/ports.ts';
import { findEmbeddedStores, type StoreUrls, startEmbeddedStores } from '../persistence/embedded.ts';
import { type Cores, keptTo } from './cores.ts';

export interface OwnServer {
  readonly dataDir: string;
  readonly baseUrl: string;
  readonly sandboxUrl: string;
  /** Of the process that serves; null before `start`. */
  readonly pid: number | null;
  readonly isRunning: boolean;
  /** Resolves when the server can serve, with the milliseconds that took. Rejects with the end of its log. */
  start(): Promise<number>;
  /** kill -9, and resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts those of the stores that do not run. */
  reviveStores(): Promise<StoreUrls>;
  /** Ends server and stores; with `keep` the folder stays. */
  close(keep: boolean): Promise<void>;
}

export interface OwnServerOptions {
  /** The command: `bin/onsale.mjs`. */
  readonly program: string;
  readonly holdSeconds: number;
  /** Processes that serve on one port. @default 1 */
  readonly nodes?: number;
  /** The payment sandbox as a process of its own, as a provider is; it outlives a kill of the server. @default false */
  readonly sandboxApart?: boolean;
  /** Of server and stores. @default null */
  readonly cores?: Cores;
  /** More variables for the server; they win. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** As config.ts has it: short holds are extended when somebody begins to pay, long ones need not be. */
const graceSeconds = 120;
const startLimitMs = 60_000;
const stopLimitMs = 20_000;
/** A run must not touch the stores or the account of whoever starts it. */
const foreign = ['DATABASE_URL', 'REDIS_URL', 'KAFKA_BROKERS', 'STRIPE_SECRET_KEY', 'STRIPE_API_BASE', 'JWT_SECRET'];

export async function prepareServer(options: OwnServerOptions): Promise<OwnServer> {
  const { program, holdSeconds, nodes = 1, sandboxApart = false, cores = null, settings: more } = options;
  const dataDir = mkdtempSync(join(tmpdir(), 'onsale-rush-'));
  chmodSync(dataDir, 0o755); // as root, PostgreSQL runs as another user, who must be able to enter
  const [port, sandboxPort] = (await freePorts(2)) as [number, number];
  const settings = {
    ONSALE_DATA_DIR: dataDir,
    PORT: port,
    SANDBOX_PORT: sandboxPort,
    RATE_LIMIT: 'off',
    HOLD_TTL_SECONDS: holdSeconds,
    PAYMENT_GRACE_SECONDS: Math.min(holdSeconds, graceSeconds),
    LOG_LEVEL: 'warn',
    ...more,
  };
  // env(1) rather than a copy of our environment: only config.ts reads that.
  const without = foreign.flatMap((name) => ['-u', name]);
  const variables = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const onsale = (...args: readonly string[]) => ['env', ...without, ...variables, process.execPath, program, ...args];
  const baseUrl = `http://127.0.0.1:${port}`;
  const log = openSync(join(dataDir, 'server.log'), 'a');
  const launch = (command: readonly string[]) => {
    const [first, ...rest] = keptTo(cores, command);
    return spawn(first, rest, { stdio: ['ignore', 'pipe', log] });
  };
  let server: ChildProcess | null = null;
  let sandbox: ChildProcess | null = null;

  return {
    dataDir,
    baseUrl,
    sandboxUrl: `http://127.0.0.1:${sandboxPort}`,
    get pid() {
      // env(1), and taskset(1) before it, became the server.
      return server?.pid ?? null;
    },
    get isRunning() {
      return isAlive(server);
    },
    async start() {
      const startMs = performance.now();
      if (sandboxApart && !isAlive(sandbox)) {
        sandbox = launch(onsale('sandbox', '--server', baseUrl));
        await readyLine(sandbox, dataDir);
      }
      server = launch(onsale('serve', ...(sandboxApart ? ['--member'] : ['--nodes', String(nodes)])));
      await readyLine(server, dataDir);
      return performance.now() - startMs;
    },
    kill: () => end(server, 'SIGKILL'),
    reviveStores: () => startEmbeddedStores({ dataDir }),
    async close(keep) {
      await end(server, 'SIGTERM');
      await end(sandbox, 'SIGTERM');
      // The server stops its stores itself, unless it was killed.
      if (await findEmbeddedStores(dataDir)) await (await startEmbeddedStores({ dataDir })).stop();
      if (!keep) removeData(dataDir);
    },
  };
}

function isAlive(child: ChildProcess | null): child is ChildProcess {
  return child !== null && child.exitCode === null && child.signalCode === null;
}

async function end(child: ChildProcess | null, signal: NodeJS.Signals): Promise<void> {
  if (!isAlive(child)) return;
  const ended = once(child, 'exit');
  const impatience = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
  child.kill(signal);
  await ended;
  clearTimeout(impatience);
}

async function readyLine(started: ChildProcess, dataDir: string): Promise<void> {
  if (!started.stdout) throw new Error('the process has no stdout');
  const timer = setTimeout(() => started.kill('SIGKILL'), startLimitMs);
  try {
    for await (const line of createInterface({ input: started.stdout })) if (line.startsWith('onsale ready ')) return;
    throw new Error(`it did not start; see ${join(dataDir, 'server.log')}`);
  } finally {
    clearTimeout(timer);
    started.stdout.resume();
  }
}

function removeData(dataDir: string): void {
  // PostgreSQL's data may be a link to where its user can live.
  rmSync(realpathSync(join(dataDir, 'postgres')), { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
}
