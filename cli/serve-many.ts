/**
 * `onsale serve --nodes N`: one node a core, each a process of its own, all on one port: the system spreads the connections
 * over them (SO_REUSEPORT). This process serves nobody; it has the stores and the sandbox, and starts a node again that ended.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { freePorts } from '../persistence/embedded/ports.ts';
import type { Logger } from '../telemetry.ts';
import type { Stores } from './stores.ts';

export interface Crew {
  readonly url: string;
  /** Resolves when all have handed over and ended. */
  stop(): Promise<void>;
}

export interface CrewOptions {
  readonly config: Config;
  readonly nodes: number;
  readonly stores: Stores;
  /** Where the sandbox listens; null without one. */
  readonly sandboxPort: number | null;
  /** The command itself: `bin/onsale.mjs`. */
  readonly program: string;
  readonly logger: Logger;
}

/** How soon a node that ended is started again. */
const againMs = 1_000;

/** Resolves when all of them serve. */
export async function startCrew({ config, nodes, stores, sandboxPort, program, logger }: CrewOptions): Promise<Crew> {
  const port = config.PORT === 0 ? ((await freePorts(1))[0] as number) : config.PORT;
  const running = new Set<ChildProcess>();
  let stopping = false;
  const start = async (number: number): Promise<boolean> => {
    const settings = {
      PORT: port,
      NODE_ID: `${config.NODE_ID ?? `${hostname()}:${port}`}.${number}`,
      DATABASE_URL: stores.databaseUrl,
      REDIS_URL: stores.redisUrl,
      MESH_PORT: config.MESH_PORT === 0 ? 0 : config.MESH_PORT + number - 1,
      ...(sandboxPort === null ? {} : { SANDBOX_PORT: sandboxPort }),
    };
    // env(1) rather than a copy of our environment: only config.ts reads that.
    const variables = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    const child = spawn('env', [...variables, process.execPath, program, 'serve', '--member'], {
      // The channel ends with this process, however that ends: nobody would start a member again, or stop it.
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    running.add(child);
    child.once('exit', (code, signal) => {
      running.delete(child);
      if (stopping) return;
      logger.error({ node: number, code, signal }, 'a node has ended and is started again');
      void delay(againMs).then(() => stopping || start(number));
    });
    return isReady(child);
  };
  const stop = async () => {
    stopping = true;
    const ended = [...running].map((child) => once(child, 'exit'));
    for (const child of running) child.kill('SIGTERM');
    await Promise.all(ended);
  };
  const serving = await Promise.all(Array.from({ length: nodes }, (_, at) => start(at + 1)));
  if (serving.every(Boolean)) return { url: `http://${config.HOST}:${port}`, stop };
  await stop();
  throw new Error('a node did not start: its log says why');
}

/** True when the node serves, false when it ends before. */
async function isReady({ stdout }: ChildProcess): Promise<boolean> {
  if (!stdout) return false;
  let ready = false;
  for await (const line of createInterface({ input: stdout })) {
    ready = line.startsWith('onsale ready ');
    if (ready) break;
  }
  stdout.resume();
  return ready;
}
