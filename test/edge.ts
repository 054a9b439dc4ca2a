/**
 * A real HTTP server over given routes, for tests of the edge. What a test does not give is the smallest thing that
 * works: no limits, a token secret of its own, a logger that keeps its lines.
 */
import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { expect } from 'vitest';
import { z } from 'zod';
import type { RejectionCode } from '../engine/outcome.ts';
import { type AccessTokens, createAccessTokens } from '../http/auth.ts';
import type { Answered, Deps } from '../http/deps.ts';
import type { Route } from '../http/route.ts';
import { type Server, type ServerOptions, startServer } from '../http/server.ts';

export const testSecret = 'a secret of thirty-two bytes or more';

export interface TestEdge extends Server {
  readonly tokens: AccessTokens;
  readonly logged: readonly { readonly msg: string; readonly level: number; readonly [field: string]: unknown }[];
  readonly answered: readonly Answered[];
  /** fetch against this server, with the path from the root. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  bearer(role?: 'user' | 'organizer' | 'admin', id?: string): Promise<string>;
}

/** A dependency that a test did not give, but used, throws with its name. */
function missing(name: string): never {
  throw new Error(`this test uses deps.${name} without giving it`);
}

export async function startEdge(
  routes: readonly Route[],
  given: Partial<Deps> = {},
  options: Partial<ServerOptions> = {},
): Promise<TestEdge> {
  const logged: { msg: string; level: number }[] = [];
  const answered: Answered[] = [];
  const clock = given.clock ?? { now: () => Date.now() };
  const ids = given.ids ?? { next: () => randomUUID() };
  const tokens = given.tokens ?? createAccessTokens({ secret: testSecret, clock, ids });
  const basics: Partial<Deps> = {
    clock,
    ids,
    tokens,
    limits: null,
    logger: pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line)) }),
    readiness: async () => [],
    metrics: async () => '',
    jwks: () => ({ keys: [] }),
    auditLog: { record: async () => {} },
    observe: (one) => void answered.push(one),
    ...given,
  };
  const deps = new Proxy(basics, {
    get: (target, name: keyof Deps) => (name in target ? target[name] : missing(name)),
  }) as Deps;
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    routes: routes.map(checked),
    deps,
    corsOrigins: [],
    trustedProxies: [],
    ...options,
  });
  return {
    ...server,
    tokens,
    logged,
    answered,
    ask: (path, init) => fetch(`${server.url}${path}`, init),
    bearer: async (role = 'user', id = randomUUID()) => `Bearer ${await tokens.sign({ id, role })}`,
  };
}

/** The route, with every answer held against its schema: what the API's document says must be what is sent. */
function checked(route: Route): Route {
  return {
    ...route,
    handle(call, deps) {
      const replyBytes = call.replyBytes.bind(call);
      call.replyBytes = (status, body) => {
        const schema = route.answers[status];
        const { data, meta } = JSON.parse(Buffer.from(body).toString());
        if (!(schema instanceof z.ZodType)) throw new Error(`${route.path} answers ${status} without saying so`);
        schema.parse(data);
        route.meta?.parse(meta);
        replyBytes(status, body);
      };
      return route.handle(call, deps);
    },
  };
}

/** What a refusal's body must look like. */
export function refusal(code: RejectionCode, details: unknown = expect.anything()): unknown {
  return { success: false, error: { code, message: expect.any(String), details } };
}
