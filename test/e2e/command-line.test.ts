/** The `onsale` command from outside: what it answers, how it ends, and when it does not start. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { freePorts } from '../../persistence/embedded/ports.ts';
import { runOnsale, spawnNode } from '../node-process.ts';
import { openDatabase, openRedis, startOwnStores } from '../stores.ts';

it('says how it is used when it does not know the command', async () => {
  const { code, stderr } = await runOnsale(['sell']);
  expect(code).toBe(2);
  expect(stderr).toContain('onsale <command>');
});

it('says of each command how it is used, and starts nothing for that', async () => {
  const { code, stdout, stderr } = await runOnsale(['seed', '--help']);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^onsale seed --users N .+ --out FILE\n/);
  expect((await runOnsale(['--help'])).stdout).toContain('  sync-inventory [--event ID]');
  expect((await runOnsale(['bench', 'rush', '--help'])).stdout).toContain('onsale bench <scenario>');
});

it.each([
  [['audit', '--event', 'demo-rush'], '--event must be the id of an event, as GET /api/v1/events shows it\n'],
  [['serve', '--nodes', '0'], '--nodes must be a whole number of at least 1\n'],
  [['seed', '--out', 'x', '--users', '-1'], "Option '--users' argument is ambiguous"],
  [['seed', '--out', 'x', '--users', 'ten'], '--users must be a whole number of at least 1\n'],
  [['bench', 'reserve', '--rate', 'fast'], '--rate must be a whole number\n'],
  [['bench', 'queue', '--set', 'PORT'], '--set: PORT is not NAME=VALUE\n'],
  [['sandbox', '--server', 'shop'], '--server must be an address such as http://127.0.0.1:8080\n'],
  [['demo', 'now'], "Unexpected argument 'now'"],
  [['fairness', 'verify', '/nowhere'], "ENOENT: no such file or directory, open '/nowhere'\n"],
  [['fairness', 'verify', import.meta.filename], `${import.meta.filename}, line 1: is not JSON\n`],
])('explains without a stack what is wrong with %j, and starts nothing', async (args, message) => {
  const { code, stdout, stderr } = await runOnsale(args);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain(message);
  expect(stderr).not.toMatch(/^ {4}at |started/m);
});

it('names every problem of its configuration, without a secret and without a stack', async () => {
  const { code, stdout, stderr } = await runOnsale(['serve'], { PORT: 'x', JWT_SECRET: 'hunter2' });
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^The configuration is not usable:\n {2}PORT: .+\n {2}JWT_SECRET: .+\n$/);
  expect(stderr).not.toContain('hunter2');
});

it('does not know options that it does not have', async () => {
  const { code, stderr } = await runOnsale(['seed', '--userz', '5']);
  expect(code).toBe(1);
  expect(stderr).toContain('--userz');
  expect(stderr).not.toContain(' at ');
});

it('brings a schema up to date, audits it, and leaves nothing behind', async () => {
  const [database, redisUrl] = await Promise.all([openDatabase(), openRedis()]);
  const environment = {
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl,
    STRIPE_SECRET_KEY: 'sk',
    STRIPE_WEBHOOK_SECRET: 'w',
  };
  expect(await runOnsale(['migrate'], environment)).toMatchObject({ code: 0 });
  const audited = await runOnsale(['audit', '--json'], environment);
  expect(audited.code, audited.stderr).toBe(0);
  expect(JSON.parse(audited.stdout)).toMatchObject({ clean: true });
  await database.drop();
});

it('does not serve on an address that is taken or is not here, and starts nothing', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const refused = await runOnsale(['serve'], { PORT: String(port) });
  expect(refused).toEqual({ code: 1, stdout: '', stderr: takenSays(port) });
  expect((await runOnsale(['serve', '--nodes', '2'], { PORT: String(port) })).stderr).toBe(takenSays(port));
  const elsewhere = await runOnsale(['serve'], { HOST: '203.0.113.1', PORT: '18080' });
  expect(elsewhere).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^listen EADDRNOTAVAIL.*\n$/) });
  taken.close();
});

it('does not take the place of a server that runs already, on its port and by its name', async () => {
  const [database, redisUrl] = await Promise.all([openDatabase(), openRedis()]);
  const named = { NODE_ID: 'one', SANDBOX_PORT: '0', DATABASE_URL: database.url, REDIS_URL: redisUrl };
  const first = await spawnNode({ ...named, PORT: '0' });
  const { port } = new URL(first.url);
  expect(await runOnsale(['serve'], { ...named, PORT: port })).toEqual({
    code: 1,
    stdout: '',
    stderr: takenSays(port),
  });
  expect((await fetch(`${first.url}/ready`)).status).toBe(200);
  await first.stop();
  await database.drop();
});

const takenSays = (port: number | string) =>
  `PORT ${port} is taken at 127.0.0.1: does onsale run already? PORT=0 takes any free port\n`;

it('ends when a store is not where it should be, and says which', async () => {
  const [database, redisUrl] = await Promise.all([openDatabase(), openRedis()]);
  const [nobody = 0] = await freePorts(1);
  const here = { PORT: '0', SANDBOX_PORT: '0', LOG_LEVEL: 'fatal', DATABASE_URL: database.url, REDIS_URL: redisUrl };
  const withoutRedis = await runOnsale(['serve'], { ...here, REDIS_URL: `redis://127.0.0.1:${nobody}` });
  expect(withoutRedis).toEqual({ code: 1, stdout: '', stderr: 'Redis is not reachable\n' });
  const away = await runOnsale(['serve'], { ...here, DATABASE_URL: `postgres://x@127.0.0.1:${nobody}/x` });
  expect(away).toMatchObject({ code: 1, stderr: expect.stringMatching(/^DATABASE_URL: connect ECONNREFUSED .+\n$/) });
  const strange = await runOnsale(['serve'], { ...here, DATABASE_URL: `${database.url}-not` });
  expect(strange).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^DATABASE_URL: database ".+" does not exist\n$/),
  });
  await database.drop();
});

it('does not sell on stores that forget, unless it is told to', async () => {
  const own = await startOwnStores({ redisFlags: ['--maxmemory-policy', 'allkeys-lru'] });
  const { url, drop } = await openDatabase();
  const environment = { PORT: '0', SANDBOX_PORT: '0', DATABASE_URL: url, REDIS_URL: own.redisUrl };
  await expect(spawnNode(environment)).rejects.toThrow(/ended with 1: .*not safe to sell on: .*maxmemory-policy/s);
  const unsafe = await spawnNode({ ...environment, ALLOW_UNSAFE: '1' });
  expect((await fetch(`${unsafe.url}/ready`)).status).toBe(200);
  await unsafe.stop();
  await Promise.all([own.stop(), drop()]);
});
