import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEdge, type TestEdge } from '../test/edge.ts';
import type { AsyncApi } from './asyncapi.ts';
import { clientMessages, farewells, serverMessages } from './live-view.ts';
import { routes } from './routes.ts';

let edge: TestEdge;
let api: AsyncApi;
beforeAll(async () => {
  edge = await startEdge(routes);
  const answer = await edge.ask('/api/asyncapi.json');
  expect(answer.headers.get('content-type')).toBe('application/json');
  api = (await answer.json()) as AsyncApi;
});
afterAll(async () => edge.stop());

const found = (ref: string): unknown =>
  ref
    .slice(2)
    .split('/')
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], api);

describe('the AsyncAPI document', () => {
  it('has every message of both sides and no other', () => {
    expect(Object.keys(api.components.messages).sort()).toEqual(
      [...Object.keys(serverMessages), ...Object.keys(clientMessages)].sort(),
    );
  });

  it('is valid by the rules of AsyncAPI 3, as far as we use it', () => {
    expect(api.asyncapi).toBe('3.0.0');
    expect(api.info).toMatchObject({ title: expect.any(String), version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
    const refs = [...JSON.stringify(api).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => String(match[1]));
    expect(refs.length).toBeGreaterThan(20);
    for (const ref of refs) expect(found(ref), ref).toEqual(expect.any(Object));
    for (const { address, parameters } of Object.values(api.channels)) {
      const inAddress = [...address.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect(Object.keys(parameters as object)).toEqual(inAddress);
    }
    for (const { action, channel, messages } of Object.values(api.operations)) {
      expect(['send', 'receive']).toContain(action);
      for (const { $ref } of messages) expect($ref).toMatch(new RegExp(`^${channel.$ref}/messages/`));
    }
  });

  it('tells each message by its type, and refuses unknown fields of what clients say', () => {
    for (const [name, { payload }] of Object.entries(api.components.messages)) {
      const schema = payload as { properties: { type: object }; additionalProperties: unknown; required: string[] };
      expect(schema.required).toContain('type');
      expect(schema.properties.type).toEqual(expect.any(Object));
      if (name in clientMessages) expect(schema.additionalProperties).toBe(false);
    }
  });

  it('names every close code', () => {
    for (const [why, { code }] of Object.entries(farewells)) expect(api.info.description).toContain(`${code} ${why}`);
  });
});

it('docs/goodbyes.md has every reason with its code', () => {
  const text = readFileSync(new URL('../docs/goodbyes.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map((row) => `${row[1]} ${row[2]}`);
  const codes = Object.entries(farewells).map(([why, { code }]) => `${why} ${code}`);
  expect(rows.sort()).toEqual(codes.sort());
});
