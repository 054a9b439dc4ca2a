import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { refusal, startEdge, type TestEdge } from '../test/edge.ts';
import { defineRoute } from './route.ts';

const common = { area: 'Test', summary: 'For tests', limit: null } as const;

const order = defineRoute({
  ...common,
  method: 'POST',
  path: '/api/v1/orders/:id',
  who: 'user',
  params: z.object({ id: z.string().max(20) }),
  query: z.object({ dry: z.enum(['yes', 'no']).optional() }),
  headers: z.object({ 'idempotency-key': z.string().max(20).optional() }),
  body: z.strictObject({ quantity: z.int().min(1).max(10), note: z.string().optional() }),
  answers: {
    201: z.object({ id: z.string(), quantity: z.int(), key: z.string().nullable(), dry: z.string(), by: z.string() }),
  },
  handle(call) {
    const { params, query, headers, body, user } = call;
    const key = headers['idempotency-key'] ?? null;
    call.reply(201, { id: params.id, quantity: body.quantity, key, dry: query.dry ?? 'no', by: user.id });
  },
});
const manage = defineRoute({
  ...common,
  method: 'PUT',
  path: '/api/v1/orders/:id',
  who: 'organizer',
  params: z.object({ id: z.string() }),
  answers: { 200: z.object({}) },
  handle: (call) => call.reply(200, {}),
});

let edge: TestEdge;
let bearer: string;
beforeAll(async () => {
  edge = await startEdge([order, manage]);
  bearer = await edge.bearer();
});
afterAll(async () => edge.stop());

/** Posts to the example route; `body` as it is when it is a string. */
async function post(body: unknown, headers: Record<string, string> = {}, path = '/api/v1/orders/7') {
  const answer = await edge.ask(path, {
    method: 'POST',
    headers: { authorization: bearer, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: JSON.parse(text) };
}

describe('input', () => {
  it('reaches the handler parsed: params, query, headers, body, user', async () => {
    const { status, body } = await post({ quantity: 2 }, { 'idempotency-key': 'k 1' }, '/api/v1/orders/a%20b?dry=yes');
    expect(status).toBe(201);
    expect(body).toEqual({
      success: true,
      data: { id: 'a b', quantity: 2, key: 'k 1', dry: 'yes', by: expect.any(String) },
    });
  });

  it.each([
    ['malformed JSON', '{"quantity":', { body: 'is not valid JSON' }],
    ['a NUL in a text', '{"quantity":1,"note":"a\\u0000"}', { body: 'has a NUL in a text' }],
    ['a NUL behind a backslash', '{"quantity":1,"note":"\\\\\\u0000"}', { body: 'has a NUL in a text' }],
    ['no body', '', { quantity: 'is missing' }],
    ['null', 'null', { body: expect.any(String) }],
    ['an array', '[]', { body: 'must be an object' }],
    ['very deep nesting', `${'['.repeat(8_000)}${']'.repeat(8_000)}`, { body: expect.any(String) }],
    ['a missing field', '{}', { quantity: 'is missing' }],
    ['an unknown field', '{"quantity":1,"price":1}', { price: 'unknown field' }],
    ['a prototype', '{"quantity":1,"__proto__":{"quantity":1}}', JSON.parse('{"__proto__":"unknown field"}')],
    ['a billion', '{"quantity":1e9}', { quantity: 'must be at most 10' }],
    ['half a seat', '{"quantity":1.5}', { quantity: 'must be a whole number' }],
    ['nearly two', '{"quantity":2.0000000001}', { quantity: expect.any(String) }],
    ['a number in quotes', '{"quantity":"2"}', { quantity: 'must be a number' }],
    ['minus zero', '{"quantity":-0}', { quantity: expect.any(String) }],
    ['minus one', '{"quantity":-1}', { quantity: expect.any(String) }],
    ['beyond 2^53', '{"quantity":9007199254740993}', { quantity: expect.any(String) }],
    ['infinity', '{"quantity":1e999}', { quantity: expect.any(String) }],
    ['NaN', '{"quantity":NaN}', { body: expect.any(String) }],
    ['true', '{"quantity":true}', { quantity: expect.any(String) }],
    ['a text that is no text', '{"quantity":1,"note":{}}', { note: 'must be a string' }],
  ])('is refused when it is %s', async (_what, text, details) => {
    const answer = await post(text);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual(refusal('VALIDATION_ERROR', details));
  });

  it('may speak of a NUL', async () => {
    expect((await post('{"quantity":1,"note":"not \\\\u0000"}')).status).toBe(201);
  });

  it('of an address has no NUL either: it reads as broken text does', async () => {
    expect((await post({ quantity: 1 }, {}, '/api/v1/orders/a%00b')).body.data.id).toBe('a\ufffdb');
    expect((await post({ quantity: 1 }, {}, '/api/v1/orders/a%2500b')).body.data.id).toBe('a%00b');
    expect((await post({ quantity: 1 }, {}, '/api/v1/orders/7?dry=yes%00')).status).toBe(400);
  });

  it('names all that is wrong at once', async () => {
    const answer = await post(
      { quantity: 0 },
      { 'idempotency-key': 'x'.repeat(21) },
      `/api/v1/orders/${'x'.repeat(21)}?dry=maybe`,
    );
    expect(Object.keys(answer.body.error.details).sort()).toEqual(['dry', 'id', 'idempotency-key', 'quantity']);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', 'application/jsonp'])(
    'is refused as %s',
    async (type) => {
      const answer = await post({ quantity: 1 }, { 'content-type': type });
      expect(answer.status).toBe(415);
      expect(answer.body).toEqual(refusal('UNSUPPORTED_MEDIA_TYPE'));
    },
  );

  it.each(['application/json;charset=UTF-8', 'Application/JSON; charset="utf-8"'])('is taken as %s', async (type) => {
    expect((await post({ quantity: 1 }, { 'content-type': type })).status).toBe(201);
  });
});

describe('who may call', () => {
  it.each([
    ['no token', undefined],
    ['another scheme', 'Basic dTpw'],
    ['an empty token', 'Bearer '],
    ['nonsense', 'Bearer nonsense'],
  ])('is nobody with %s', async (_what, authorization) => {
    const headers = { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) };
    const answer = await edge.ask('/api/v1/orders/7', { method: 'POST', headers, body: '{"quantity":1}' });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(await answer.json()).toEqual(refusal('UNAUTHORIZED'));
  });

  it.each([
    ['user', 403],
    ['organizer', 200],
    ['admin', 200],
  ] as const)('a %s on an organizer route gets %i', async (role, status) => {
    const headers = { authorization: await edge.bearer(role) };
    // Twice: checked, and remembered.
    for (let n = 0; n < 2; n++) {
      expect((await edge.ask('/api/v1/orders/7', { method: 'PUT', headers })).status).toBe(status);
    }
  });
});
