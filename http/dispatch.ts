/**
 * From an arrived request to its handler: who calls, whether too often, whether what they sent has the promised shape.
 * Synchronous all the way when limits are off; knows nothing of sockets.
 */
import type { z } from 'zod';
import type { Role } from '../engine/accounts.ts';
import type { RateLimits } from '../engine/rate-limit.ts';
import type { User } from './auth.ts';
import type { Exchange } from './exchange.ts';
import { fieldProblem } from './field-problem.ts';
import { RepeatedBody } from './json-body.ts';
import { type LimitName, overLimit } from './limits.ts';
import { privilegedAct } from './privileged.ts';
import { invalid } from './problem.ts';
import type { Caller } from './route.ts';

const rankOf: Readonly<Record<Role, number>> = { user: 1, organizer: 2, admin: 3 };
const rankNeeded: Readonly<Record<Caller, number>> = { anyone: 0, provider: 0, user: 1, organizer: 2, admin: 3 };

/** Sees to it that `exchange` is answered: refused here, or by its handler. */
export function dispatch(exchange: Exchange): void {
  const { route, token, edge } = exchange;
  if (rankNeeded[route.who] === 0) admit(exchange, null);
  else if (token === '') exchange.refuse({ code: 'UNAUTHORIZED' });
  else {
    const user = edge.deps.tokens.check(token);
    if (user === null) exchange.refuse({ code: 'UNAUTHORIZED' });
    else admit(exchange, user);
  }
}

function admit(exchange: Exchange, user: User | null): void {
  const { route, edge } = exchange;
  exchange.user = user;
  if (user !== null && rankOf[user.role] < rankNeeded[route.who]) exchange.refuse({ code: 'FORBIDDEN' });
  else if (edge.deps.limits === null || route.limit === null) handle(exchange);
  else if (user === null || route.isExempt === undefined) limit(exchange, edge.deps.limits, route.limit);
  else {
    const { limits } = edge.deps;
    const { limit: name } = route;
    const headers = exchange.headers as Readonly<Record<string, string | undefined>>;
    const exempt = route.isExempt(headers, user.id, edge.deps);
    if (exempt === false) limit(exchange, limits, name);
    else {
      exchange.after(Promise.resolve(exempt), (isExempt) => {
        if (isExempt) handle(exchange);
        else limit(exchange, limits, name);
      });
    }
  }
}

function limit(exchange: Exchange, limits: RateLimits, name: LimitName): void {
  const key = exchange.user?.id ?? exchange.address();
  exchange.after(overLimit(limits, name, key, exchange.route.method === 'GET'), (limited) => {
    if (limited === null) handle(exchange);
    else exchange.refuse(limited.rejection, limited.headers);
  });
}

function handle(exchange: Exchange): void {
  const { route, edge } = exchange;
  const errors: z.ZodError[] = [];
  exchange.params = parsed(route.params, exchange.params, errors);
  exchange.query = parsed(route.query, exchange.query, errors);
  exchange.headers = parsed(route.headers, exchange.headers, errors);
  if (route.body !== 'raw') exchange.body = parsedBody(route.body, exchange.body, errors);
  if (errors.length > 0) exchange.refuse(invalid(...errors));
  else {
    const act = privilegedAct(route, exchange);
    if (act === null) run(exchange);
    else exchange.after(edge.deps.auditLog.record(act), () => run(exchange));
  }
}

function run(exchange: Exchange): void {
  const running = exchange.route.handle(exchange, exchange.edge.deps);
  if (running !== undefined) running.catch((error: unknown) => exchange.fail(error));
}

/** One that many send passes once for all of them. */
function parsedBody(schema: z.ZodType | undefined, body: unknown, errors: z.ZodError[]): unknown {
  if (!(body instanceof RepeatedBody)) return parsed(schema, body, errors);
  body.checked ??= Object.freeze(parsed(schema, body.json, errors));
  return body.checked;
}

const inOurWords = { error: fieldProblem };

function parsed(schema: z.ZodType | undefined, value: unknown, errors: z.ZodError[]): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  // With words of our own a parse takes ten times as long: only who erred waits for that.
  errors.push(schema.safeParse(value, inOurWords).error ?? result.error);
  return undefined;
}
