/** What machines ask: is the process up, can it serve, its metrics, its public keys. Not under /api/v1. */
import { z } from 'zod';
import { defineRoute, type Route } from '../route.ts';

const area = 'Operations';
const checks = z.array(z.object({ name: z.string(), ok: z.boolean(), problem: z.string().optional() }));

const health = defineRoute({
  method: 'GET',
  path: '/health',
  area,
  summary: 'The process is up',
  who: 'anyone',
  limit: null,
  answers: { 200: z.object({ status: z.literal('ok') }) },
  handle(call) {
    call.reply(200, { status: 'ok' });
  },
});

const ready = defineRoute({
  method: 'GET',
  path: '/ready',
  area,
  summary: 'The node can serve: its stores answer and its zones are owned',
  who: 'anyone',
  limit: null,
  answers: { 200: z.object({ checks }) },
  refusals: ['SERVICE_UNAVAILABLE'],
  async handle(call, { readiness }) {
    const found = await readiness();
    if (found.every((check) => check.ok)) call.reply(200, { checks: [...found] });
    else call.refuse({ code: 'SERVICE_UNAVAILABLE', details: { checks: found }, retryAfterSeconds: 1 });
  },
});

const metrics = defineRoute({
  method: 'GET',
  path: '/metrics',
  area,
  summary: "Metrics in Prometheus' text format",
  who: 'anyone',
  limit: null,
  answers: { 200: { mediaType: 'text/plain; version=0.0.4; charset=utf-8' } },
  async handle(call, deps) {
    call.send(200, 'text/plain; version=0.0.4; charset=utf-8', await deps.metrics());
  },
});

const jwks = defineRoute({
  method: 'GET',
  path: '/.well-known/jwks.json',
  area,
  summary: 'Public keys for checking tickets and passes offline (RFC 7517)',
  who: 'anyone',
  limit: null,
  answers: { 200: { mediaType: 'application/jwk-set+json' } },
  handle(call, deps) {
    call.cacheFor(300);
    call.send(200, 'application/jwk-set+json', JSON.stringify(deps.jwks()));
  },
});

export const operations: readonly Route[] = [health, ready, metrics, jwks];
