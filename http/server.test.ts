import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freePorts } from '../persistence/embedded/ports.ts';
import { refusal, startEdge, type TestEdge } from '../test/edge.ts';
import { RawConnection } from '../test/raw-connection.ts';
import { defineRoute } from './route.ts';
import { operations } from './routes/operations.ts';

const common = { area: 'Test', summary: 'For tests', limit: null } as const;
const origin = 'https://tickets.example';

/** Calls that wait for the test to let them be answered. */
const held: (() => void)[] = [];
let heldArrived = (): void => {};

const wait = defineRoute({
  ...common,
  method: 'POST',
  path: '/api/v1/wait',
  who: 'anyone',
  answers: { 200: z.object({ aborted: z.boolean() }) },
  handle(call) {
    held.push(() => call.reply(200, { aborted: call.aborted }));
    heldArrived();
  },
});

const change = defineRoute({
  ...common,
  method: 'PUT',
  path: '/api/v1/wait',
  who: 'anyone',
  answers: { 200: z.object({}) },
  handle: (call) => call.reply(200, {}),
});
const image = defineRoute({
  ...common,
  method: 'GET',
  path: '/api/v1/image.svg',
  who: 'anyone',
  answers: { 200: { mediaType: 'image/svg+xml' } },
  handle: (call) => call.send(200, 'image/svg+xml', '<svg/>'),
});

let edge: TestEdge;
beforeAll(async () => {
  edge = await startEdge([wait, change, image, ...operations], {}, { corsOrigins: [origin] });
});
afterAll(async () => edge.stop());

describe('what is not in the table', () => {
  it('is 404 in JSON', async () => {
    const answer = await edge.ask('/api/v1/nothing?x=1');
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual(refusal('NOT_FOUND'));
  });

  it('is 405 for other methods of a known path, with those there are', async () => {
    const answer = await edge.ask('/api/v1/wait', { method: 'PATCH', body: '{}' });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST, PUT, OPTIONS');
    expect(await answer.json()).toEqual(refusal('METHOD_NOT_ALLOWED'));
  });

  it('does not make metrics grow: one path for all of it', async () => {
    await edge.ask(`/api/v1/${Math.random()}`);
    expect(edge.answered.at(-1)).toMatchObject({ path: '/*', method: 'ANY', status: 404 });
  });
});

describe('an answer', () => {
  it('carries the security headers, whatever it is', async () => {
    for (const path of ['/health', '/api/v1/nothing', '/api/v1/image.svg']) {
      const { headers } = await edge.ask(path);
      expect(headers.get('strict-transport-security')).toMatch(/max-age=\d{8}/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('content-security-policy')).toContain("default-src 'self'");
      expect(headers.get('referrer-policy')).toBe('no-referrer');
    }
  });

  it('is kept by no cache unless the route says so', async () => {
    expect((await edge.ask('/health')).headers.get('cache-control')).toBe('no-store');
    expect((await edge.ask('/.well-known/jwks.json')).headers.get('cache-control')).toBe('public, max-age=300');
  });

  it('may be something else than JSON', async () => {
    const answer = await edge.ask('/api/v1/image.svg');
    expect(answer.headers.get('content-type')).toBe('image/svg+xml');
    expect(await answer.text()).toBe('<svg/>');
  });

  it('to HEAD is that to GET without its body', async () => {
    const answer = await edge.ask('/health', { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(Number(answer.headers.get('content-length'))).toBe((await (await edge.ask('/health')).text()).length);
    expect(await answer.text()).toBe('');
  });

  it('is told to the metrics once', async () => {
    const before = edge.answered.length;
    await edge.ask('/health');
    expect(edge.answered.slice(before)).toEqual([
      { path: '/health', method: 'GET', status: 200, seconds: expect.any(Number) },
    ]);
  });
});

describe('the request id', () => {
  it('is the one that came', async () => {
    const { headers } = await edge.ask('/health', { headers: { 'x-request-id': 'Abc-1.2_3:/+=@' } });
    expect(headers.get('x-request-id')).toBe('Abc-1.2_3:/+=@');
  });

  it.each([
    ['absent', ''],
    ['with spaces and quotes', 'X-Request-ID: a" b\r\n'],
    ['too long', `X-Request-ID: ${'a'.repeat(129)}\r\n`],
    ['beyond ASCII', 'X-Request-ID: \u00e9\r\n'],
  ])('is ours when it is %s', async (_what, header) => {
    const raw = await RawConnection.open(edge.port);
    raw.write(`GET /health HTTP/1.1\r\nHost: x\r\n${header}Connection: close\r\n\r\n`);
    const answer = await raw.answer();
    expect(answer).toMatch(/X-Request-ID: [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-z]+\r\n/);
    raw.close();
  });
});

describe('other origins', () => {
  it('may call when they are on the list', async () => {
    const { headers } = await edge.ask('/health', { headers: { origin } });
    expect(headers.get('access-control-allow-origin')).toBe(origin);
    expect(headers.get('access-control-expose-headers')).toContain('Idempotency-Replayed');
    expect(headers.get('vary')).toBe('Origin');
  });

  it.each(['https://evil.example', `${origin}.evil.example`, 'null', 'http://tickets.example'])(
    'may not when they are %s',
    async (other) => {
      const { headers } = await edge.ask('/health', { headers: { origin: other } });
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('vary')).toBe('Origin');
    },
  );

  it('get their preflight answered', async () => {
    const answer = await edge.ask('/api/v1/wait', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    expect(answer.headers.get('access-control-allow-methods')).toBe('POST, PUT, OPTIONS');
    expect(answer.headers.get('access-control-allow-headers')).toContain('Idempotency-Key');
  });
});

describe('stopping', () => {
  it('answers what is under way, then closes', async () => {
    const own = await startEdge([wait]);
    const arrived = new Promise<void>((resolve) => {
      heldArrived = resolve;
    });
    const asked = own.ask('/api/v1/wait', { method: 'POST' });
    await arrived;
    const stopped = own.stop();
    await expect(own.ask('/api/v1/wait', { method: 'POST' })).rejects.toThrow();
    held.pop()?.();
    const answer = await asked;
    expect(answer.status).toBe(200);
    await stopped;
  });

  it('tells a kept connection with one more answer that it closes', async () => {
    const own = await startEdge([wait], {}, { farewellMs: 1_000 });
    const kept = await RawConnection.open(own.port);
    const ask = 'GET /nothing HTTP/1.1\r\nHost: here\r\n\r\n';
    kept.write(ask);
    expect(await kept.answer()).not.toMatch(/\r\nconnection: close/i);
    const stopped = own.stop();
    await expect(own.ask('/nothing')).rejects.toThrow();
    kept.write(ask);
    const answers = await kept.everything();
    expect(answers.match(/HTTP\/1\.1 404/g)).toHaveLength(2);
    expect(answers).toMatch(/\r\nconnection: close/i);
    await stopped;
  });

  it('is one stop, however often it is asked for', async () => {
    const own = await startEdge([wait]);
    const stopped = own.stop();
    expect(own.stop()).toBe(stopped);
    await stopped;
    expect(own.stop()).toBe(stopped);
  });

  it('waits no longer than it was told', async () => {
    const own = await startEdge([wait], {}, { drainMs: 10 });
    const arrived = new Promise<void>((resolve) => {
      heldArrived = resolve;
    });
    const asked = own.ask('/api/v1/wait', { method: 'POST' });
    const lost = expect(asked).rejects.toThrow();
    await arrived;
    await own.stop();
    await lost;
    held.pop()?.();
  });
});

it('answers 503 to a request that nobody answered in time', async () => {
  const own = await startEdge([wait], {}, { answerWithinMs: 1 });
  const answer = await own.ask('/api/v1/wait', { method: 'POST' });
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('1');
  held.pop();
  await own.stop();
});

it('refuses an address that is taken, also by a server that would share it, unless it shares it, too', async () => {
  const { port } = edge;
  await expect(startEdge([wait], {}, { port })).rejects.toThrow(`cannot listen on 127.0.0.1:${port}`);
  const [shared = 0] = await freePorts(1);
  const crew = await Promise.all([1, 2].map(() => startEdge([wait], {}, { port: shared, sharesPort: true })));
  await expect(startEdge([wait], {}, { port: shared })).rejects.toThrow(`cannot listen on 127.0.0.1:${shared}`);
  await Promise.all(crew.map((member) => member.stop()));
  const alone = await startEdge([wait], {}, { port: shared });
  await expect(startEdge([wait], {}, { port: shared, sharesPort: true })).rejects.toThrow('cannot listen');
  await alone.stop();
});
