import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { startOwnStores } from '../test/stores.ts';
import { findEmbeddedStores } from './embedded.ts';

describe('startEmbeddedStores', () => {
  it('starts stores that keep what promises need, and leaves nothing running when it stops them', async () => {
    const said: string[] = [];
    const stores = await startOwnStores({ say: (line) => said.push(line) });
    expect(said).toEqual(expect.arrayContaining(['PostgreSQL: started', 'Redis: started']));
    expect(await inPostgres(stores.databaseUrl, 'show fsync')).toEqual([{ fsync: 'on' }]);
    expect(await inPostgres(stores.databaseUrl, 'show server_encoding')).toEqual([{ server_encoding: 'UTF8' }]);
    expect(await inRedis(stores.redisUrl, (redis) => redis.info('persistence'))).toContain('aof_enabled:1');

    const pids = pidsOf(stores.dataDir);
    await stores.stop();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('lets nobody in without the password, which only the owner of the folder can read', async () => {
    const stores = await startOwnStores();
    const bare = (url: string) => Object.assign(new URL(url), { password: 'guess' }).href;
    await expect(inPostgres(bare(stores.databaseUrl), 'select 1')).rejects.toThrow('password authentication failed');
    await expect(inRedis(bare(stores.redisUrl), (redis) => redis.ping())).rejects.toThrow();
    expect(statSync(join(stores.dataDir, 'stores.json')).mode & 0o077).toBe(0);
    const { password } = new URL(stores.databaseUrl);
    for (const pid of pidsOf(stores.dataDir)) expect(commandLine(pid)).not.toContain(password);
    await stores.stop();
  });

  it('keeps data and addresses over a stop and a start', async () => {
    const first = await startOwnStores();
    await leaveMark(first);
    await first.stop();
    const second = await startOwnStores({ dataDir: first.dataDir });
    expect(second).toMatchObject({ databaseUrl: first.databaseUrl, redisUrl: first.redisUrl });
    await expectMark(second);
    await second.stop();
  });

  it('adopts what still runs, as after a kill -9 of the process that started it', async () => {
    const first = await startOwnStores();
    const pids = pidsOf(first.dataDir);
    const said: string[] = [];
    const second = await startOwnStores({ dataDir: first.dataDir, say: (line) => said.push(line) });
    expect(said.toSorted()).toEqual(['PostgreSQL: runs already', 'Redis: runs already']);
    expect(pidsOf(first.dataDir)).toEqual(pids);
    await second.stop();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('gives one pair to those who start at the same moment', async () => {
    const first = await startOwnStores();
    await first.stop();
    const all = await Promise.all([1, 2, 3].map(() => startOwnStores({ dataDir: first.dataDir })));
    expect(new Set(all.map((stores) => stores.databaseUrl)).size).toBe(1);
    await all[0]?.stop();
    expect(await findEmbeddedStores(first.dataDir)).toBeNull();
  });

  it('leaves them running while another living process works with them', async () => {
    const stores = await startOwnStores();
    const other = spawn('sleep', ['600']);
    const gone = spawn('true');
    await once(gone, 'exit');
    const book = join(stores.dataDir, 'guests');
    const sign = ({ pid }: ChildProcess, ...command: string[]) =>
      writeFileSync(join(book, String(pid)), command.map((word) => `${word}\0`).join(''));
    sign(gone, 'true');
    sign(other, 'sleep', '600');
    await stores.stop();
    expect(await findEmbeddedStores(stores.dataDir)).not.toBeNull();

    // Its number is another's now: whoever was here has gone.
    sign(other, 'node');
    await (await startOwnStores({ dataDir: stores.dataDir })).stop();
    expect(await findEmbeddedStores(stores.dataDir)).toBeNull();
    other.kill();
  });

  it('starts again what was killed', async () => {
    const first = await startOwnStores();
    await leaveMark(first);
    await killAll(pidsOf(first.dataDir));
    const second = await startOwnStores({ dataDir: first.dataDir });
    await expectMark(second);
    await second.stop();
  });

  it('does not mistake a stranger that has the process number of a dead server for it', async () => {
    const first = await startOwnStores();
    await leaveMark(first);
    await first.stop();
    const stranger = spawn('sleep', ['600']);
    for (const file of pidFilesOf(first.dataDir)) writeFileSync(file, `${stranger.pid}\n`);
    const second = await startOwnStores({ dataDir: first.dataDir });
    await expectMark(second);
    await second.stop();
    expect(isRunning(stranger)).toBe(true);
    stranger.kill();
  });

  it('moves to another port when a stranger took the one it had', async () => {
    const first = await startOwnStores();
    await leaveMark(first);
    await first.stop();
    const stranger = createServer((socket) => socket.destroy());
    await new Promise<void>((done) => stranger.listen(Number(new URL(first.redisUrl).port), '127.0.0.1', done));
    const second = await startOwnStores({ dataDir: first.dataDir });
    expect(second.databaseUrl).toBe(first.databaseUrl);
    expect(second.redisUrl).not.toBe(first.redisUrl);
    await expectMark(second);
    await second.stop();
    stranger.close();
  });

  it('says why a server does not start', async () => {
    const failed = startOwnStores({ postgresFlags: ['-c', 'shared_buffers=nonsense'] });
    await expect(failed).rejects.toThrow(/^PostgreSQL did not start:.*shared_buffers/s);
  });

  it('breaks the lock of a starter that was killed', async () => {
    const first = await startOwnStores();
    await first.stop();
    const dead = spawn('true');
    await new Promise((done) => dead.once('exit', done));
    execFileSync('ln', ['-s', String(dead.pid), join(first.dataDir, 'starting')]);
    const second = await startOwnStores({ dataDir: first.dataDir });
    await second.stop();
    expect(existsSync(join(first.dataDir, 'starting'))).toBe(false);
  });

  const isRoot = process.getuid?.() === 0;
  if (!isRoot) console.log('skipped: a home that PostgreSQL cannot enter, since only root runs it as another user');
  it.runIf(isRoot)('works for root below a home that nobody else can enter', async () => {
    const home = join(homedir(), `.onsale-test-${randomUUID()}`);
    mkdirSync(home, { mode: 0o700 });
    const said: string[] = [];
    const first = await startOwnStores({ dataDir: join(home, 'data'), say: (line) => said.push(line) });
    const data = realpathSync(join(home, 'data', 'postgres'));
    expect(said).toContainEqual(expect.stringContaining('keeping its data below'));
    await leaveMark(first);
    await first.stop();
    const second = await startOwnStores({ dataDir: join(home, 'data') });
    await expectMark(second);
    await second.stop();
    rmSync(data, { recursive: true });
    rmSync(home, { recursive: true });
  });
});

describe('findEmbeddedStores', () => {
  it('finds both when they run, and nothing when one does not', async () => {
    const stores = await startOwnStores();
    const { databaseUrl, redisUrl, dataDir } = stores;
    expect(await findEmbeddedStores(dataDir)).toEqual({ databaseUrl, redisUrl });
    await killAll(pidsOf(dataDir).slice(1));
    expect(await findEmbeddedStores(dataDir)).toBeNull();
    await stores.stop();
    expect(await findEmbeddedStores(join(dataDir, 'never-made'))).toBeNull();
  });
});

interface Urls {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

async function leaveMark({ databaseUrl, redisUrl }: Urls): Promise<void> {
  await inPostgres(databaseUrl, 'create table mark as select 42 as n');
  // WAITAOF is younger than Redis 7.0; a rewrite of the append-only file is on disk when it is over.
  await inRedis(redisUrl, async (redis) => {
    await redis.set('mark', '42');
    await expect.poll(() => redis.bgrewriteaof().catch(() => null)).not.toBeNull();
    await expect.poll(() => redis.info('persistence'), { timeout: 20_000 }).toMatch(/aof_rewrite_in_progress:0/);
  });
}

async function expectMark({ databaseUrl, redisUrl }: Urls): Promise<void> {
  expect(await inPostgres(databaseUrl, 'select n from mark')).toEqual([{ n: 42 }]);
  expect(await inRedis(redisUrl, (redis) => redis.get('mark'))).toBe('42');
}

async function inPostgres(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function inRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

function pidFilesOf(dataDir: string): string[] {
  return [join(dataDir, 'postgres', 'postmaster.pid'), join(dataDir, 'redis', 'redis.pid')];
}

function pidsOf(dataDir: string): number[] {
  return pidFilesOf(dataDir).map((file) => Number.parseInt(readFileSync(file, 'utf8'), 10));
}

async function killAll(pids: readonly number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await expect.poll(() => pids.filter(isAlive), { timeout: 20_000 }).toEqual([]);
}

/** A dead process that its parent has not collected yet is dead. */
function isAlive(pid: number): boolean {
  return !/^(Z|$)/.test(commandLine(pid));
}

function commandLine(pid: number): string {
  try {
    // Begins with the state of the process; fails when there is none.
    return execFileSync('ps', ['-ww', '-o', 'stat=,args=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}
