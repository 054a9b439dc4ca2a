/** The faults of a chaos run: how each is done to an own server and its stores, and how operations would undo it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Chance } from './chance.ts';
import type { OwnServer } from './own-server.ts';

export type Fault =
  | 'app-kill'
  | 'redis-flush'
  | 'redis-kill'
  | 'postgres-kill'
  | 'postgres-stop'
  | 'all-kill'
  | 'provider-trouble';

interface FaultMaker {
  readonly what: string;
  /** Resolves when everything runs again, whether or not it is ready. */
  strike(server: OwnServer, chance: Chance): Promise<void>;
}

export const faults: Readonly<Record<Fault, FaultMaker>> = {
  'app-kill': {
    what: 'the server is killed -9 and started again',
    async strike(server) {
      await server.kill();
      await server.start();
    },
  },
  'redis-flush': {
    what: 'FLUSHALL in Redis',
    async strike(server) {
      const { redisUrl } = await server.reviveStores();
      const redis = new Redis(redisUrl);
      await redis.flushall();
      await redis.quit();
    },
  },
  'redis-kill': {
    what: 'Redis is killed -9 and started again on its append-only file',
    async strike(server) {
      await end(redisPid(server), 'SIGKILL');
      await server.reviveStores();
    },
  },
  'postgres-kill': {
    what: 'the postmaster is killed -9 and PostgreSQL started again',
    async strike(server) {
      await end(postgresPid(server), 'SIGKILL');
      await server.reviveStores();
    },
  },
  'postgres-stop': {
    what: 'PostgreSQL stops at once (immediate) and is started again',
    async strike(server) {
      await end(postgresPid(server), 'SIGQUIT');
      await server.reviveStores();
    },
  },
  'all-kill': {
    what: 'server, Redis and postmaster are killed -9 and started again',
    async strike(server) {
      const pids = [redisPid(server), postgresPid(server)];
      await Promise.all([server.kill(), ...pids.map((pid) => end(pid, 'SIGKILL'))]);
      await server.start();
    },
  },
  'provider-trouble': {
    what: 'the provider loses, doubles, reorders or delays its notices, or its answers get lost',
    async strike({ sandboxUrl }, chance) {
      const body = JSON.stringify(troubles[chance.between(0, troubles.length - 1)]);
      const answer = await fetch(`${sandboxUrl}/_sandbox/faults`, { method: 'POST', body });
      if (!answer.ok) throw new Error(`the sandbox refused ${body}: ${await answer.text()}`);
    },
  },
};

/** What `POST /_sandbox/faults` may be told; each ends by itself. */
const troubles = [
  { drop: true, for_next: 30 },
  { duplicate: 3, reorder: true, for_next: 30 },
  { delay_ms: 3_000, for_next: 30 },
  { bad_signature: true, for_next: 10 },
  { timeout: true, for_next: 5 },
] as const;

function postgresPid({ dataDir }: OwnServer): number {
  return pidIn(join(dataDir, 'postgres', 'postmaster.pid'));
}

function redisPid({ dataDir }: OwnServer): number {
  return pidIn(join(dataDir, 'redis', 'redis.pid'));
}

function pidIn(file: string): number {
  return Number.parseInt(readFileSync(file, 'utf8'), 10);
}

/** Signals and waits until the process is gone. */
async function end(pid: number, signal: NodeJS.Signals): Promise<void> {
  process.kill(pid, signal);
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await delay(10);
  }
}
