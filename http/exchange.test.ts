import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { refusal, startEdge, type TestEdge } from '../test/edge.ts';
import { RawConnection } from '../test/raw-connection.ts';
import { headBytesMax } from './request-head.ts';
import { defineRoute } from './route.ts';

const common = { area: 'Test', summary: 'For tests', limit: null } as const;

/** Calls that wait for the test to let them be answered. */
const held: (() => void)[] = [];
let heldArrived = (): void => {};

const order = defineRoute({
  ...common,
  method: 'POST',
  path: '/api/v1/orders',
  who: 'anyone',
  headers: z.object({ 'idempotency-key': z.string().optional() }),
  body: z.strictObject({ quantity: z.int(), note: z.string().optional() }),
  answers: { 201: z.object({}) },
  handle: (call) => call.reply(201, {}),
});
const read = defineRoute({
  ...common,
  method: 'GET',
  path: '/api/v1/orders',
  who: 'anyone',
  answers: { 200: z.object({}) },
  handle: (call) => call.reply(200, {}),
});
const hook = defineRoute({
  ...common,
  method: 'POST',
  path: '/api/v1/hooks',
  who: 'provider',
  body: 'raw',
  bodyBytesMax: 100_000,
  answers: { 200: z.object({ bytes: z.int(), sum: z.int() }) },
  handle: (call) => call.reply(200, { bytes: call.body.length, sum: call.body.reduce((sum, byte) => sum + byte, 0) }),
});
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
const faults = (['sync', 'async', 'twice'] as const).map((kind) =>
  defineRoute({
    ...common,
    method: 'GET',
    path: `/api/v1/faults/${kind}`,
    who: 'anyone',
    answers: { 200: z.object({}) },
    handle(call) {
      if (kind === 'sync') throw new Error('secret detail');
      if (kind === 'async') return Promise.reject(new Error('secret detail'));
      call.reply(200, {});
      call.reply(200, {});
    },
  }),
);

let edge: TestEdge;
beforeAll(async () => {
  edge = await startEdge([order, read, hook, wait, ...faults]);
});
afterAll(async () => edge.stop());

describe('a body that is too large', () => {
  it('is refused by its declared length, before it is sent, and the connection closed', async () => {
    const raw = await RawConnection.open(edge.port);
    raw.write(
      `POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 16385\r\n\r\n`,
    );
    expect(await raw.everything()).toMatch(/^HTTP\/1\.1 413 [\s\S]*"PAYLOAD_TOO_LARGE"/);
  });

  it('is refused while it arrives in chunks, before its end', async () => {
    const raw = await RawConnection.open(edge.port);
    raw.write(
      `POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    for (let n = 0; n < 5; n++) raw.write(`1000\r\n${' '.repeat(4096)}\r\n`);
    expect(await raw.everything()).toMatch(/^HTTP\/1\.1 413 [\s\S]*"PAYLOAD_TOO_LARGE"/);
  });

  it('is not one that has just the limit, whole or in pieces', async () => {
    const text = `{"quantity":1,"note":"${'x'.repeat(16_384 - 24)}"}`;
    expect(text.length).toBe(16_384);
    const headers = { 'content-type': 'application/json' };
    expect((await edge.ask('/api/v1/orders', { method: 'POST', headers, body: text })).status).toBe(201);
    const raw = await RawConnection.open(edge.port);
    raw.write(
      `POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    for (let at = 0; at < text.length; at += 1024) raw.write(`400\r\n${text.slice(at, at + 1024)}\r\n`);
    raw.write('0\r\n\r\n');
    expect(await raw.answer()).toMatch(/^HTTP\/1\.1 201 /);
    raw.close();
  });
});

describe('a body', () => {
  it('is given raw, byte for byte, where the route says so', async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, n) => n % 256);
    const answer = await edge.ask('/api/v1/hooks', { method: 'POST', body: bytes });
    const { data } = (await answer.json()) as { data: unknown };
    expect(data).toEqual({ bytes: 70_000, sum: bytes.reduce((sum, byte) => sum + byte, 0) });
  });
});

describe('a head that can be read in two ways', () => {
  const head = () => `POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
  it.each([
    ['two Content-Lengths', 'Content-Length: 14\r\nContent-Length: 1\r\n\r\n{"quantity":1}'],
    ['two equal Content-Lengths', 'Content-Length: 14\r\nContent-Length: 14\r\n\r\n{"quantity":1}'],
    ['a coding that ends in chunked', 'Transfer-Encoding: xchunked\r\n\r\ne\r\n{"quantity":1}\r\n0\r\n\r\n'],
    ['two codings', 'Transfer-Encoding: gzip, chunked\r\n\r\ne\r\n{"quantity":1}\r\n0\r\n\r\n'],
    ['two Transfer-Encodings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a length and a coding', 'Content-Length: 14\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    [
      'two tokens',
      'Authorization: Bearer one\r\nAuthorization: Bearer two\r\nContent-Length: 14\r\n\r\n{"quantity":1}',
    ],
    ['two keys', 'Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 14\r\n\r\n{"quantity":1}'],
  ])('is refused and its connection closed: %s', async (_what, rest) => {
    const raw = await RawConnection.open(edge.port);
    raw.write(head() + rest);
    const answers = await raw.everything();
    expect(answers).toMatch(/^HTTP\/1\.1 400 /);
    // Nothing of what followed was taken for a second request.
    expect(answers.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it('is refused on reads too', async () => {
    const raw = await RawConnection.open(edge.port);
    raw.write('GET /api/v1/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n');
    expect(await raw.everything()).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('is taken with exactly chunked', async () => {
    const raw = await RawConnection.open(edge.port);
    raw.write(`${head()}Transfer-Encoding: chunked\r\n\r\ne\r\n{"quantity":1}\r\n0\r\n\r\n`);
    expect(await raw.answer()).toMatch(/^HTTP\/1\.1 201 /);
    raw.close();
  });
});

describe('bodies that wait for their rest', () => {
  it('may take so much memory together, and give it back when they are whole or gone', async () => {
    const own = await startEdge([order], {}, { waitingBytesMax: 10_000 });
    const text = `{"quantity":1,"note":"${'x'.repeat(7_000)}"}`;
    const open = async () => {
      const raw = await RawConnection.open(own.port);
      const head = `POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n`;
      await raw.flush(head + text.slice(0, -1));
      // Another exchange after it: by now the server has what was sent.
      await own.ask('/api/v1/nothing');
      return raw;
    };
    const first = await open();
    const second = await open();
    expect(await second.everything()).toMatch(/^HTTP\/1\.1 503 /);
    first.write('}');
    expect(await first.answer()).toMatch(/^HTTP\/1\.1 201 /);
    (await open()).close();
    await expect.poll(() => own.answered.map(({ status }) => status)).toContain(499);
    const last = await open();
    last.write('}');
    expect(await last.answer()).toMatch(/^HTTP\/1\.1 201 /);
    for (const raw of [first, last]) raw.close();
    await own.stop();
  });
});

describe('a body that nobody reads', () => {
  const smuggled = 'GET /api/v1/orders HTTP/1.1\r\nHost: x\r\n\r\n';

  it.each([
    ['of a read', 'GET /api/v1/orders', 200],
    ['of an unknown path', 'POST /api/v1/nothing', 404],
    ['of another method', 'DELETE /api/v1/orders', 405],
  ])('%s is skipped, and the connection goes on', async (_what, target, status) => {
    const raw = await RawConnection.open(edge.port);
    const before = edge.answered.length;
    raw.write(`${target} HTTP/1.1\r\nHost: x\r\nContent-Length: ${smuggled.length}\r\n\r\n`);
    await raw.answer();
    await raw.flush(smuggled);
    raw.write('GET /api/v1/orders HTTP/1.1\r\nHost: x\r\n\r\n');
    await expect.poll(() => edge.answered.slice(before).map((one) => one.status)).toEqual([status, 200]);
    raw.close();
  });
});

describe('a head', () => {
  it('is refused when it is too large, in one segment or in many', async () => {
    const head = `GET /api/v1/orders HTTP/1.1\r\nHost: x\r\nX-Filler: ${'x'.repeat(headBytesMax)}\r\n\r\n`;
    const whole = await RawConnection.open(edge.port);
    whole.write(head);
    expect(await whole.everything()).toMatch(/^HTTP\/1\.1 413 /);
    const pieces = await RawConnection.open(edge.port);
    for (let at = 0; at < head.length; at += 1_000) await pieces.flush(head.slice(at, at + 1_000));
    expect(await pieces.everything()).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('may be as large as a big token makes it, also in pieces', async () => {
    const head = `GET /api/v1/orders HTTP/1.1\r\nHost: x\r\nX-Filler: ${'x'.repeat(headBytesMax - 200)}\r\n\r\n`;
    const pieces = await RawConnection.open(edge.port);
    for (let at = 0; at < head.length; at += 1_000) await pieces.flush(head.slice(at, at + 1_000));
    expect(await pieces.answer()).toMatch(/^HTTP\/1\.1 200 /);
    pieces.close();
  });
});

describe('a fault of ours', () => {
  it.each(['sync', 'async'])('(%s) is a 500 with the request id and nothing else, and is logged', async (kind) => {
    const answer = await edge.ask(`/api/v1/faults/${kind}`, { headers: { 'x-request-id': `fault-${kind}` } });
    expect(answer.status).toBe(500);
    const text = await answer.text();
    expect(JSON.parse(text)).toEqual(refusal('INTERNAL_ERROR', { request_id: `fault-${kind}` }));
    expect(text).not.toContain('secret detail');
    const line = edge.logged.find((one) => one.request_id === `fault-${kind}`);
    expect(line).toMatchObject({ msg: 'request failed', err: { message: 'secret detail' } });
  });

  it('that answers twice is logged, and the client sees the first', async () => {
    const answer = await edge.ask('/api/v1/faults/twice', { headers: { 'x-request-id': 'two' } });
    expect(answer.status).toBe(200);
    expect(edge.logged.find((one) => one.request_id === 'two')).toMatchObject({ msg: 'answered more than once' });
  });
});

it('tells the route of each refusal, also of those before its handler and of faults', async () => {
  const told: string[] = [];
  const refusing = defineRoute({
    ...common,
    method: 'POST',
    path: '/api/v1/refusing',
    who: 'user',
    body: z.object({ how: z.enum(['refuse', 'throw', 'accept']) }),
    answers: { 200: z.object({}) },
    refused: (_deps, code) => told.push(code),
    async handle(call) {
      if (call.body.how === 'throw') throw Object.assign(new Error('no store'), { code: 'ECONNREFUSED' });
      if (call.body.how === 'refuse') call.refuse({ code: 'SALE_ENDED' });
      else call.reply(200, {});
    },
  });
  const edge = await startEdge([refusing]);
  try {
    const authorization = await edge.bearer();
    const post = (how: string, headers: Record<string, string>) =>
      edge.ask('/api/v1/refusing', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ how }),
      });
    await post('accept', {});
    for (const how of ['accept', 'nonsense', 'refuse', 'throw']) await post(how, { authorization });
    expect(told).toEqual(['UNAUTHORIZED', 'VALIDATION_ERROR', 'SALE_ENDED', 'SERVICE_UNAVAILABLE']);
  } finally {
    await edge.stop();
  }
});

describe('a client that goes away', () => {
  it('in the middle of its body is forgotten', async () => {
    const before = edge.answered.length;
    const raw = await RawConnection.open(edge.port);
    await raw.flush('POST /api/v1/wait HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
    raw.close();
    await expect.poll(() => edge.answered.slice(before)).toMatchObject([{ path: '/api/v1/wait', status: 499 }]);
  });

  it('before the answer is known to be gone, and answering it harms nothing', async () => {
    const before = edge.answered.length;
    const arrived = new Promise<void>((resolve) => {
      heldArrived = resolve;
    });
    const raw = await RawConnection.open(edge.port);
    raw.write('POST /api/v1/wait HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    await arrived;
    raw.close();
    await expect.poll(() => edge.answered.slice(before)).toMatchObject([{ path: '/api/v1/wait', status: 499 }]);
    held.pop()?.();
    expect((await edge.ask('/api/v1/orders')).status).toBe(200);
    expect(edge.answered.slice(before)).toHaveLength(2);
  });
});
