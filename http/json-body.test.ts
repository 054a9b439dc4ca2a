import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { refusal, startEdge, type TestEdge } from '../test/edge.ts';
import { createBodyReader, RepeatedBody, Unreadable } from './json-body.ts';
import { defineRoute } from './route.ts';

let checks = 0;
const seen: unknown[] = [];
const common = { area: 'Test', summary: 'For tests', limit: null, method: 'POST', who: 'anyone' } as const;
const crowded = defineRoute({
  ...common,
  path: '/api/v1/crowded',
  isCrowded: true,
  body: z.strictObject({ quantity: z.int().max(10), note: z.string().optional() }).transform((asked) => {
    checks++;
    return { ...asked, isChecked: true };
  }),
  answers: { 200: z.object({ body: z.unknown() }) },
  handle(call) {
    seen.push(call.body);
    call.reply(200, { body: call.body });
  },
});
/** Takes the same texts, and means something else by them. */
const alsoCrowded = defineRoute({
  ...common,
  path: '/api/v1/also-crowded',
  isCrowded: true,
  body: z.object({ quantity: z.int().transform((quantity) => -quantity) }),
  answers: { 200: z.object({ body: z.unknown() }) },
  handle: (call) => call.reply(200, { body: call.body }),
});
const single = defineRoute({ ...common, path: '/api/v1/single', body: z.object({}), answers: {}, handle: () => {} });

describe('a body of a route that comes in crowds', () => {
  let edge: TestEdge;
  beforeAll(async () => {
    edge = await startEdge([crowded, alsoCrowded]);
  });
  afterAll(async () => edge.stop());
  const post = (body: string, path = '/api/v1/crowded') =>
    edge.ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });

  it('is checked once for all who send the same text, and nobody can change what the others get', async () => {
    checks = 0;
    seen.length = 0;
    for (let i = 0; i < 3; i++) expect((await post('{"quantity":2}')).status).toBe(200);
    expect(checks).toBe(1);
    expect(seen[0]).toEqual({ quantity: 2, isChecked: true });
    expect(seen[2]).toBe(seen[0]);
    expect(Object.isFrozen(seen[0])).toBe(true);
    await post('{"quantity": 2}');
    expect(checks, 'another text, the same meaning').toBe(2);
  });

  it('means what its own route makes of it', async () => {
    await post('{"quantity":3}');
    const answer = await post('{"quantity":3}', '/api/v1/also-crowded');
    expect(await answer.json()).toMatchObject({ data: { body: { quantity: -3 } } });
  });

  it('is refused each time when it is wrong', async () => {
    for (let i = 0; i < 2; i++) {
      for (const wrong of ['{"quantity":11}', '{"quantity":'])
        expect(await (await post(wrong)).json()).toEqual(refusal('VALIDATION_ERROR'));
    }
  });
});

describe('reading', () => {
  const read = createBodyReader([crowded, single]);
  const bytes = (text: string) => Buffer.from(text);

  it('keeps short texts of crowds alone', () => {
    const text = '{"quantity":1}';
    expect(read(crowded, bytes(text))).toBeInstanceOf(RepeatedBody);
    expect(read(crowded, bytes(text))).toBe(read(crowded, bytes(text)));
    expect(read(single, bytes(text))).toEqual({ quantity: 1 });
    const long = JSON.stringify({ quantity: 1, note: 'x'.repeat(500) });
    expect(read(crowded, bytes(long))).toEqual(JSON.parse(long));
  });

  it('finds bytes malformed that are not JSON, each time, and an empty body without fields', () => {
    for (let i = 0; i < 2; i++) {
      expect(read(crowded, bytes('{"quantity"'))).toBeInstanceOf(Unreadable);
      expect(read(single, bytes('nonsense'))).toBeInstanceOf(Unreadable);
    }
    expect(read(single, bytes(''))).toEqual({});
    expect(read(crowded, bytes(''))).toMatchObject({ json: {} });
  });
});
