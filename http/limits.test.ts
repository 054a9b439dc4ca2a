import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { connectRateLimits, type RateLimitStore } from '../persistence/redis/rate-limits.ts';
import { refusal, startEdge, type TestEdge } from '../test/edge.ts';
import { openRedis } from '../test/stores.ts';
import { type LimitName, limits } from './limits.ts';
import { defineRoute } from './route.ts';

const limited = (limit: LimitName | null, who: 'anyone' | 'user') =>
  defineRoute({
    method: 'POST',
    path: `/api/v1/${limit}/${who}`,
    area: 'Test',
    summary: 'For tests',
    who,
    limit,
    body: z.strictObject({ ok: z.boolean().optional() }),
    answers: { 200: z.object({}) },
    handle: (call) => call.reply(200, {}),
  });

let store: RateLimitStore;
let edge: TestEdge;
let elsewhere: TestEdge;
beforeAll(async () => {
  store = await connectRateLimits(await openRedis(), { commandTimeoutMs: 5_000, failed: () => {} });
  const routes = [
    limited('register', 'anyone'),
    limited('login', 'anyone'),
    limited('register', 'user'),
    limited(null, 'anyone'),
  ];
  const proxied = { trustedProxies: ['127.0.0.0/8'] };
  [edge, elsewhere] = [
    await startEdge(routes, { limits: store }, proxied),
    await startEdge(routes, { limits: store }, proxied),
  ];
});
afterAll(async () => {
  await edge.stop();
  await elsewhere.stop();
  store.close();
});

let clients = 0;
/** A client that nobody saw before, as the proxy names it. */
const newClient = () => ({ 'x-forwarded-for': `203.0.113.${++clients}` });

async function ask(path: string, headers: Record<string, string>, node = edge) {
  const answer = await node.ask(`/api/v1/${path}`, { method: 'POST', headers });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

async function statuses(count: number, path: string, headers: Record<string, string>): Promise<number[]> {
  const all: number[] = [];
  for (let n = 0; n < count; n++) all.push((await ask(path, headers)).status);
  return all;
}

describe('a client address', () => {
  it('gets its burst, then 429 with when to come back', async () => {
    const client = newClient();
    expect(await statuses(2, 'register/anyone', client)).toEqual([200, 200]);
    const { status, body, headers } = await ask('register/anyone', client);
    expect({ status, body }).toEqual({ status: 429, body: refusal('RATE_LIMITED') });
    expect(headers.get('x-ratelimit-limit')).toBe('3');
    expect(headers.get('x-ratelimit-remaining')).toBe('0');
    // Three a minute: the next token within 20 s, the second after it.
    expect(Number(headers.get('retry-after'))).toSatisfy((seconds: number) => seconds >= 1 && seconds <= 20);
    expect(Number(headers.get('x-ratelimit-reset'))).toSatisfy((seconds: number) => seconds > 20 && seconds <= 40);
  });

  it('has a bucket for each limit, and none for routes without', async () => {
    const client = newClient();
    expect(await statuses(3, 'register/anyone', client)).toEqual([200, 200, 429]);
    expect(await statuses(4, 'login/anyone', client)).toEqual([200, 200, 200, 429]);
    expect(await statuses(30, 'null/anyone', client)).toEqual(Array(30).fill(200));
  });

  it('has one bucket on all nodes', async () => {
    const client = newClient();
    expect(await statuses(2, 'register/anyone', client)).toEqual([200, 200]);
    expect((await ask('register/anyone', client, elsewhere)).status).toBe(429);
  });

  it('cannot be chosen by the client', async () => {
    const client = newClient();
    const claiming = (address: string) => ({ 'x-forwarded-for': `${address}, ${client['x-forwarded-for']}` });
    expect(await statuses(2, 'register/anyone', claiming('198.51.100.1'))).toEqual([200, 200]);
    expect(await statuses(1, 'register/anyone', claiming('198.51.100.2'))).toEqual([429]);
  });

  it('is not limited by another', async () => {
    await statuses(3, 'register/anyone', newClient());
    expect(await statuses(1, 'register/anyone', newClient())).toEqual([200]);
  });
});

describe('a user', () => {
  it('has one bucket from wherever they call', async () => {
    const authorization = await edge.bearer('user', randomUUID());
    const all: number[] = [];
    for (let n = 0; n < limits.register.burst + 1; n++) {
      all.push(...(await statuses(1, 'register/user', { authorization, ...newClient() })));
    }
    expect(all).toEqual([...Array(limits.register.burst).fill(200), 429]);
  });

  it('without a valid token takes nobody’s token', async () => {
    expect(await statuses(5, 'register/user', newClient())).toEqual(Array(5).fill(401));
  });
});

it('are those of the specification', () => {
  expect(limits).toMatchObject({
    login: { perMinute: 5, burst: 3 },
    register: { perMinute: 3, burst: 2 },
    reserve: { perMinute: 20, burst: 10 },
    general: { perMinute: 100, burst: 20 },
  });
});
