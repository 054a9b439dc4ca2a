import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEdge, type TestEdge } from '../test/edge.ts';
import type { OpenApi, Operation } from './openapi.ts';
import { routes } from './routes.ts';

let edge: TestEdge;
let api: OpenApi;
beforeAll(async () => {
  edge = await startEdge(routes);
  const answer = await edge.ask('/api/openapi.json');
  expect(answer.headers.get('content-type')).toBe('application/json');
  api = (await answer.json()) as OpenApi;
});
afterAll(async () => edge.stop());

const openPath = (path: string) => path.replaceAll(/:([a-z_]+)/g, '{$1}');
const operations = (): [string, Operation][] =>
  Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
  );

describe('the OpenAPI document', () => {
  it('has every route of the table and no other', () => {
    const inTable = routes.map(({ method, path }) => `${method.toLowerCase()} ${openPath(path)}`);
    expect(
      operations()
        .map(([name]) => name)
        .sort(),
    ).toEqual(inTable.sort());
  });

  it('names each operation once, for generated clients', () => {
    const ids = operations().map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('says each parameter of a path, as required', () => {
    for (const [name, { parameters }] of operations()) {
      const inPath = parameters.filter((parameter) => parameter.in === 'path');
      expect(inPath.map((parameter) => parameter.name)).toEqual(
        [...name.matchAll(/\{(\w+)\}/g)].map((match) => match[1]),
      );
      expect(inPath.every((parameter) => parameter.required === true)).toBe(true);
    }
  });

  it('asks for a token exactly where the table does', () => {
    for (const route of routes) {
      const operation = api.paths[openPath(route.path)]?.[route.method.toLowerCase()];
      const open = route.who === 'anyone' || route.who === 'provider';
      expect(operation?.security).toEqual(open ? [] : [{ bearer: [] }]);
      expect('401' in (operation?.responses ?? {})).toBe(!open || (route.refusals ?? []).includes('UNAUTHORIZED'));
    }
  });

  it('is valid by the schema of OpenAPI 3.1, as far as we use it', () => {
    expect(api.openapi).toBe('3.1.0');
    expect(api.info).toMatchObject({ title: expect.any(String), version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
    for (const [name, operation] of operations()) {
      expect(name).toMatch(/^(get|post|put|delete) \//);
      expect(operation.summary).not.toBe('');
      const { responses, parameters } = operation;
      expect(Object.keys(responses).some((status) => status.startsWith('2'))).toBe(true);
      for (const [status, response] of Object.entries(responses)) {
        expect(status).toMatch(/^[2345]\d\d$/);
        expect(response.description).toEqual(expect.any(String));
      }
      for (const { schema, name: parameter } of parameters) {
        expect(schema).toEqual(expect.any(Object));
        expect(parameter).toEqual(expect.any(String));
      }
      for (const ref of JSON.stringify(operation).matchAll(/"\$ref":"([^"]+)"/g)) {
        expect(ref[1]).toBe('#/components/schemas/Problem');
      }
    }
    expect(Object.keys(api.components.schemas as object)).toEqual(['Problem']);
  });

  it('says what strict bodies are: other fields are refused', () => {
    const login = api.paths['/api/v1/auth/login']?.post?.requestBody as {
      content: Record<string, { schema: unknown }>;
    };
    expect(login.content['application/json']?.schema).toMatchObject({
      type: 'object',
      properties: { email: { type: 'string', maxLength: 254 }, password: { type: 'string' } },
      required: ['email', 'password'],
      additionalProperties: false,
    });
  });
});

describe('the page for people', () => {
  it('has every route, and nothing that our content security policy forbids', async () => {
    const answer = await edge.ask('/api/docs');
    const page = await answer.text();
    expect(answer.headers.get('content-type')).toContain('text/html');
    for (const { path } of routes) expect(page).toContain(openPath(path));
    expect(page).not.toMatch(/<script|\son\w+=|style=|<style|https?:\/\//i);
    const style = /href="([^"]+\.css)"/.exec(page)?.[1] ?? '';
    expect((await edge.ask(style)).headers.get('content-type')).toContain('text/css');
  });
});

it('every code of a refusal that a route names is a code', () => {
  // The compiler sees to that; this sees to the documentation's naming them all.
  const text = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
  for (const code of routes.flatMap(({ refusals = [] }) => refusals)) expect(text).toContain(`\`${code}\``);
});
