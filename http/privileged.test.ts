import { randomUUID } from 'node:crypto';
import { beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import type { PrivilegedAct } from '../engine/operator.ts';
import { startEdge } from '../test/edge.ts';
import { defineRoute } from './route.ts';

const common = { area: 'Test', summary: 'For tests', limit: null, answers: { 200: z.object({}) } } as const;
const told: (PrivilegedAct | 'done')[] = [];
beforeEach(() => void told.splice(0));

const params = z.object({ id: z.string() });
const body = z.strictObject({ mode: z.string().optional(), codes: z.array(z.string()).optional() });
const handle = (call: { reply(status: 200, data: object): void }) => {
  told.push('done');
  call.reply(200, {});
};
const routes = [
  defineRoute({ ...common, method: 'PUT', path: '/rooms/:id', who: 'admin', params, body, handle }),
  defineRoute({ ...common, method: 'GET', path: '/rooms/:id', who: 'admin', params, handle }),
  defineRoute({ ...common, method: 'POST', path: '/refunds/:id', who: 'user', reachesOthers: true, params, handle }),
  defineRoute({ ...common, method: 'POST', path: '/bookings/:id', who: 'user', params, handle }),
];

type Asked = readonly [method: string, path: string, role: 'user' | 'organizer' | 'admin', body?: object];

async function ask([method, path, role, sent]: Asked, record = async (act: PrivilegedAct) => void told.push(act)) {
  const edge = await startEdge(routes, { auditLog: { record } });
  const userId = randomUUID();
  const headers = { authorization: await edge.bearer(role, userId), 'content-type': 'application/json' };
  const answer = await edge.ask(path, { method, headers, ...(sent ? { body: JSON.stringify(sent) } : {}) });
  await edge.stop();
  return { status: answer.status, requestId: answer.headers.get('x-request-id'), userId };
}

it('is written down before it is done, without what is nobody’s to read', async () => {
  const { requestId, userId } = await ask(['PUT', '/rooms/7', 'admin', { mode: 'paused', codes: ['letmein'] }]);
  const details = { request_id: requestId, mode: 'paused' };
  expect(told).toEqual([{ actorId: userId, action: 'PUT /rooms/:id', subject: '7', details }, 'done']);
});

it('is not done when it cannot be written down', async () => {
  const gone = () => Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' }));
  expect(await ask(['PUT', '/rooms/7', 'admin', {}], gone)).toMatchObject({ status: 503 });
  expect(told).toEqual([]);
});

it.each([
  ['GET', '/rooms/7', 'admin'],
  ['POST', '/refunds/7', 'user'],
  ['POST', '/bookings/7', 'admin'],
] as const)('is not: %s %s by a %s', async (method, path, role) => {
  expect(await ask([method, path, role])).toMatchObject({ status: 200 });
  expect(told).toEqual(['done']);
});

it('is what an organizer does through a route that reaches others', async () => {
  await ask(['POST', '/refunds/7', 'organizer']);
  expect(told).toMatchObject([{ action: 'POST /refunds/:id', subject: '7' }, 'done']);
});

it('is not written down when it is refused for its shape or its caller', async () => {
  expect(await ask(['PUT', '/rooms/7', 'admin', { mode: 7 }])).toMatchObject({ status: 400 });
  expect(await ask(['PUT', '/rooms/7', 'organizer', {}])).toMatchObject({ status: 403 });
  expect(told).toEqual([]);
});
