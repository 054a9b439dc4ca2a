/** Scripts of one turn over a real Redis. What becomes of lost answers is test/lost-answers.test.ts. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRedis } from '../../test/stores.ts';
import { connectGate, type GateConnection } from './connection.ts';
import { runScript, type Script } from './scripts.ts';
import type { RedisServer } from './server.ts';

function scriptOf(text: string): Script {
  return { name: 'test', text, sha: createHash('sha1').update(text).digest('hex') };
}
const echo = scriptOf('return ARGV[1]');
const fail = scriptOf("return redis.error_reply('STALE_GATE x')");

let connection: GateConnection;
let server: RedisServer;
beforeEach(async () => {
  connection = connectGate(await openRedis(), { commandTimeoutMs: 5_000, failed: () => {} });
  [server] = (await connection.all(5_000)) as [RedisServer];
});
afterEach(() => connection.close());

const text = async (answer: Promise<unknown>) => String(await answer);

it('go out by one write when the turn ends, and each has its own answer, also one that is refused', async () => {
  await runScript(server, echo, [], ['known']);
  const { stream } = server.redis;
  const before = stream.bytesWritten;
  const answers = Promise.allSettled([
    text(runScript(server, echo, [], ['one'])),
    runScript(server, fail, [], []),
    text(runScript(server, echo, [], ['two'])),
  ]);
  expect(stream.writableCorked).toBe(1);
  const [one, refused, two] = await answers;
  expect([one, two]).toMatchObject([{ value: 'one' }, { value: 'two' }]);
  expect(refused).toMatchObject({ status: 'rejected', reason: { message: 'STALE_GATE x' } });
  expect(stream.writableCorked).toBe(0);
  expect(stream.bytesWritten).toBeGreaterThan(before);
});

it('that the server does not know yet are sent again with their text', async () => {
  await server.redis.script('FLUSH');
  const answers = ['one', 'two', 'three'].map((word) => text(runScript(server, echo, [], [word])));
  expect(await Promise.all(answers)).toEqual(['one', 'two', 'three']);
});

it('go out on a connection that was made anew meanwhile', async () => {
  const lost = runScript(server, echo, [], ['lost']);
  server.redis.stream.destroy();
  await expect(lost).rejects.toThrow();
  [server] = (await connection.all(5_000)) as [RedisServer];
  expect(await text(runScript(server, echo, [], ['back']))).toBe('back');
});
