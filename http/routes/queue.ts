/** The waiting room over REST: joining, leaving, where one stands, its terms, and the log that proves its order. */
import { z } from 'zod';
import type { Reply } from '../../actors/kit.ts';
import { configure, join, type Look, leave, look, type RoomChange } from '../../actors/waiting-room-requests.ts';
import type { Outcome } from '../../engine/outcome.ts';
import { type RoomTerms, roomModes } from '../../engine/waiting-room.ts';
import { eventStream, openStream } from '../live/stream.ts';
import {
  availabilityView,
  queueStatusView,
  standingView,
  termsView,
  viewAvailability,
  viewStanding,
  viewStatus,
  viewTerms,
  viewWaiting,
} from '../queue-view.ts';
import { defineRoute, type Route } from '../route.ts';

const area = 'Waiting room';
const asked = <T>(ask: (reply: Reply<T>) => void) => new Promise<Outcome<T>>(ask);
const eventBody = z.strictObject({ event_id: z.uuid() });

const joinRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/queue/join',
  area,
  summary: 'Take a place, or be told the one you have: one for all your tabs and devices',
  who: 'user',
  limit: 'general',
  isCrowded: true,
  body: eventBody.extend({ access_code: z.string().min(1).max(100).optional() }),
  answers: { 201: standingView, 200: standingView },
  refusals: ['NOT_FOUND', 'INVALID_STATE', 'SALE_ENDED', 'INSUFFICIENT_STOCK', 'SERVICE_UNAVAILABLE'],
  // A crowd comes this way at once: whoever has to wait is answered in the turn in which the room answers.
  handle(call, deps) {
    const { event_id, access_code = null } = call.body;
    const who = { userId: call.user.id, accessCode: access_code };
    return new Promise<void>((resolve, reject) => {
      join(deps.roomOf(event_id), who, (outcome) => {
        if (!outcome.ok) {
          call.refuse(outcome.rejection);
          resolve();
          return;
        }
        const { standing, isNew, waiting } = outcome.value;
        const answer = (view: z.input<typeof standingView>) => call.reply(isNew ? 201 : 200, view);
        if (standing.stage === 'waiting') resolve(answer(viewWaiting(standing, waiting)));
        else viewStanding(standing, waiting, deps.passSeal).then(answer).then(resolve, reject);
      });
    });
  },
});

const leaveRoute = defineRoute({
  method: 'POST',
  path: '/api/v1/queue/leave',
  area,
  summary: 'Give your place, or a pass that made no booking, back',
  who: 'user',
  limit: 'general',
  body: eventBody,
  answers: { 200: z.object({ left: z.literal(true) }) },
  refusals: ['NOT_FOUND', 'SERVICE_UNAVAILABLE'],
  async handle(call, deps) {
    const outcome = await asked<null>((reply) => leave(deps.roomOf(call.body.event_id), call.user.id, reply));
    if (outcome.ok) call.reply(200, { left: true });
    else call.refuse(outcome.rejection);
  },
});

const status = defineRoute({
  method: 'GET',
  path: '/api/v1/queue/status',
  area,
  summary: 'The waiting room of an event, the same for everybody',
  who: 'user',
  limit: 'general',
  query: eventBody,
  answers: { 200: queueStatusView.extend({ availability: z.array(availabilityView) }) },
  refusals: ['NOT_FOUND', 'SERVICE_UNAVAILABLE'],
  async handle(call, deps) {
    const { event_id } = call.query;
    const outcome = await asked<Look>((reply) => look(deps.roomOf(event_id), call.user.id, reply));
    if (!outcome.ok) {
      call.refuse(outcome.rejection);
      return;
    }
    const { news } = outcome.value;
    call.reply(200, { ...viewStatus(event_id, news), availability: viewAvailability(news) });
  },
});

const position = defineRoute({
  method: 'GET',
  path: '/api/v1/queue/position/:event_id',
  area,
  summary: 'Where you stand, exactly; asking keeps your place',
  who: 'user',
  limit: 'general',
  params: z.object({ event_id: z.uuid() }),
  answers: { 200: standingView },
  refusals: ['NOT_FOUND', 'SERVICE_UNAVAILABLE'],
  async handle(call, deps) {
    const outcome = await asked<Look>((reply) => look(deps.roomOf(call.params.event_id), call.user.id, reply));
    if (!outcome.ok) call.refuse(outcome.rejection);
    else if (!outcome.value.standing) call.refuse({ code: 'NOT_FOUND', message: 'you have no place in this queue' });
    else {
      const { standing, news } = outcome.value;
      call.reply(200, await viewStanding(standing, news.waiting, deps.passSeal));
    }
  },
});

const stream = defineRoute({
  method: 'GET',
  path: '/api/v1/queue/position/:event_id/stream',
  area,
  summary: 'The messages of the WebSocket as server-sent events; see /api/asyncapi.json',
  who: 'user',
  limit: 'general',
  params: z.object({ event_id: z.uuid() }),
  query: z.object({ availability: z.stringbool().default(false).describe('as subscribe_availability') }),
  answers: { 200: { mediaType: eventStream } },
  refusals: ['RATE_LIMITED', 'SERVICE_UNAVAILABLE'],
  handle(call, deps) {
    const following = { eventId: call.params.event_id, availability: call.query.availability };
    const refusal = openStream(call, call.user.id, following, deps);
    if (refusal) call.refuse(refusal);
  },
});

const accessCode = z.strictObject({
  code: z.string().min(4).max(100),
  reason: z.string().min(1).max(100).describe('published in the log: why they go first'),
});

const terms = z.strictObject({
  mode: z.enum(roomModes).optional(),
  max_concurrent: z.int().min(0).max(1_000_000).optional(),
  rate_per_minute: z.int().min(0).max(10_000_000).nullable().optional(),
  pass_ttl: z.int().min(1).max(86_400).optional().describe('seconds'),
  grace: z.int().min(1).max(86_400).optional().describe('seconds'),
  activation_users: z.int().min(1).nullable().optional().describe('null: never turns itself on'),
  access_codes: z.array(accessCode).max(100).optional().describe('replaces all of them'),
});

const configureRoute = defineRoute({
  method: 'PUT',
  path: '/api/v1/admin/queue/:event_id',
  area,
  summary: 'Change the terms of a waiting room; what is absent stays',
  who: 'admin',
  limit: 'general',
  params: z.object({ event_id: z.uuid() }),
  body: terms,
  answers: { 200: termsView },
  refusals: ['NOT_FOUND', 'SERVICE_UNAVAILABLE'],
  async handle(call, deps) {
    const { event_id } = call.params;
    const change = changeOf(call.body);
    const outcome = await asked<RoomTerms>((reply) => configure(deps.roomOf(event_id), change, reply));
    if (outcome.ok) call.reply(200, viewTerms(event_id, outcome.value));
    else call.refuse(outcome.rejection);
  },
});

function changeOf(body: z.output<typeof terms>): RoomChange {
  const inMs = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1000);
  return {
    ...given({
      mode: body.mode,
      maxConcurrent: body.max_concurrent,
      ratePerMinute: body.rate_per_minute,
      passTtlMs: inMs(body.pass_ttl),
      graceMs: inMs(body.grace),
      activationUsers: body.activation_users,
      accessCodes: body.access_codes,
    }),
    cause: 'admin',
  };
}

/** Without the fields that are undefined: those are not to change. */
function given<T extends object>(fields: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [Name in keyof T]?: Exclude<T[Name], undefined> };
}

/** Some 200 bytes each. */
const entriesMax = 5_000;

const fairness = defineRoute({
  method: 'GET',
  path: '/api/v1/events/:id/fairness',
  area,
  summary: 'The log of a waiting room, a page at a time; `onsale fairness verify FILE` checks it without trusting us',
  who: 'anyone',
  limit: 'general',
  params: z.object({ id: z.uuid() }),
  query: z.object({ cursor: z.coerce.number().int().min(0).default(0) }),
  answers: {
    200: z.object({
      event_id: z.uuid(),
      entries: z.array(
        z.object({
          seq: z.int(),
          at_ms: z.int(),
          kind: z.string(),
          who: z.string().nullable(),
          line: z.string().nullable(),
          place: z.int().nullable(),
          detail: z.string(),
          hash: z.string(),
        }),
      ),
    }),
  },
  meta: z.object({ next_cursor: z.int().nullable().describe('null: nothing more for now') }),
  async handle(call, { queueLog }) {
    const read = await queueLog(call.params.id, call.query.cursor, entriesMax);
    const entries = read.map(({ userId: _hidden, atMs, ...entry }) => ({ ...entry, at_ms: atMs }));
    const last = entries.length === entriesMax ? entries.at(-1) : undefined;
    call.reply(200, { event_id: call.params.id, entries }, { next_cursor: last?.seq ?? null });
  },
});

export const queueRoutes: readonly Route[] = [
  joinRoute,
  leaveRoute,
  status,
  position,
  stream,
  configureRoute,
  fairness,
];
