/** What an operator sees and repairs: sagas, dead letters, seats in gate and truth, and the audit. */
import { z } from 'zod';
import { timeText } from '../booking-view.ts';
import { defineRoute, type Route } from '../route.ts';

const area = 'Operators';
const sagaStatus = z.enum(['idle', 'paying', 'running', 'compensating', 'completed', 'refunded']);
const page = { limit: z.coerce.number().int().min(1).max(100).default(20), cursor: z.uuid().optional() };
const pageMeta = z.object({ next_cursor: z.string().nullable() });

const sagas = defineRoute({
  method: 'GET',
  path: '/api/v1/admin/sagas',
  area,
  summary: 'Sagas, the quietest first',
  who: 'admin',
  limit: 'general',
  query: z.object({ status: sagaStatus.optional(), ...page }),
  answers: {
    200: z.array(
      z.object({
        booking_id: z.uuid(),
        event_id: z.uuid(),
        status: sagaStatus,
        step: z.string(),
        attempts: z.int().describe('failed attempts of the present step'),
        error: z.string().nullable(),
        updated_at: z.iso.datetime(),
      }),
    ),
  },
  meta: pageMeta,
  async handle(call, { operator }) {
    const { status = null, limit, cursor = null } = call.query;
    const { items, nextCursor } = await operator.sagas({ status, limit, cursor });
    const views = items.map(({ bookingId, eventId, updatedAtMs, ...saga }) => ({
      booking_id: bookingId,
      event_id: eventId,
      ...saga,
      updated_at: timeText(updatedAtMs),
    }));
    call.reply(200, views, { next_cursor: nextCursor });
  },
});

const retrySaga = defineRoute({
  method: 'POST',
  path: '/api/v1/admin/sagas/:id/retry',
  area,
  summary: 'Have a saga (by its booking) try its step now, whatever its delay',
  who: 'admin',
  limit: 'general',
  params: z.object({ id: z.uuid() }),
  answers: { 202: z.object({ booking_id: z.uuid() }) },
  refusals: ['NOT_FOUND'],
  async handle(call, { operator, resumeSaga }) {
    const bookingId = call.params.id;
    if (!(await operator.hasSaga(bookingId))) {
      call.refuse({ code: 'NOT_FOUND' });
      return;
    }
    resumeSaga(bookingId);
    call.reply(202, { booking_id: bookingId });
  },
});

const deadLetters = defineRoute({
  method: 'GET',
  path: '/api/v1/admin/dead-letters',
  area,
  summary: 'What could not be processed and nobody has resolved, the oldest first',
  who: 'admin',
  limit: 'general',
  query: z.object(page),
  answers: {
    200: z.array(
      z.object({
        id: z.uuid(),
        topic: z.string(),
        key: z.string(),
        consumer: z.string(),
        event: z.unknown().describe('as it came: text where it is no JSON'),
        error: z.string(),
        attempts: z.int(),
        created_at: z.iso.datetime(),
      }),
    ),
  },
  meta: pageMeta,
  async handle(call, { operator }) {
    const { limit, cursor = null } = call.query;
    const { items, nextCursor } = await operator.deadLetters({ limit, cursor });
    const views = items.map(({ createdAtMs, event, ...letter }) => ({
      ...letter,
      event: readable(event),
      created_at: timeText(createdAtMs),
    }));
    call.reply(200, views, { next_cursor: nextCursor });
  },
});

/** What was parked because nobody can read it is shown all the same, and hides no other. */
function readable(event: string): unknown {
  try {
    return JSON.parse(event);
  } catch {
    return event;
  }
}

const replay = defineRoute({
  method: 'POST',
  path: '/api/v1/admin/dead-letters/:id/replay',
  area,
  summary: 'Process a dead letter again. It is resolved when that went well, and stays where it is when not',
  who: 'admin',
  limit: 'general',
  params: z.object({ id: z.uuid() }),
  answers: { 200: z.object({ id: z.uuid() }) },
  refusals: ['NOT_FOUND', 'INVALID_STATE', 'SERVICE_UNAVAILABLE'],
  async handle(call, { operator, replayDeadLetter }) {
    const letter = await operator.findDeadLetter(call.params.id);
    if (!letter) {
      call.refuse({ code: 'NOT_FOUND' });
      return;
    }
    const outcome = await replayDeadLetter(letter);
    if (!outcome.ok) {
      call.refuse(outcome.rejection);
      return;
    }
    await operator.resolveDeadLetter(letter.id);
    call.reply(200, { id: letter.id });
  },
});

const counted = z.object({
  capacity: z.int(),
  available: z.int(),
  held: z.int(),
  sold: z.int(),
  blocked: z.int(),
  version: z.int(),
});

const inventoryStatus = defineRoute({
  method: 'GET',
  path: '/api/v1/admin/inventory-status',
  area,
  summary:
    'The seats of every zone as PostgreSQL and Redis count them. A batch on its way shows as Redis one version ahead',
  who: 'admin',
  limit: 'general',
  query: z.object({ event_id: z.uuid().optional() }),
  answers: {
    200: z.array(
      z.object({
        event_id: z.uuid(),
        zone_id: z.uuid(),
        name: z.string(),
        postgres: counted,
        redis: counted.nullable().describe('null until the zone is first asked for'),
        agrees: z.boolean(),
      }),
    ),
  },
  async handle(call, { inventory }) {
    const zones = await inventory.status(call.query.event_id ?? null);
    call.reply(
      200,
      zones.map(({ eventId, zoneId, name, truth, gate, agrees }) => ({
        event_id: eventId,
        zone_id: zoneId,
        name,
        postgres: truth,
        redis: gate,
        agrees,
      })),
    );
  },
});

const syncInventory = defineRoute({
  method: 'POST',
  path: '/api/v1/admin/sync-inventory',
  area,
  summary:
    'Rebuild Redis from PostgreSQL: the event named, else every event where they disagree. Sales wait for a moment',
  who: 'admin',
  limit: 'general',
  body: z.strictObject({ event_id: z.uuid().optional() }),
  answers: { 200: z.object({ rebuilt_event_ids: z.array(z.uuid()) }) },
  refusals: ['NOT_FOUND'],
  async handle(call, { inventory }) {
    const eventId = call.body.event_id ?? null;
    if (eventId !== null && (await inventory.status(eventId)).length === 0) {
      call.refuse({ code: 'NOT_FOUND' });
      return;
    }
    call.reply(200, { rebuilt_event_ids: [...(await inventory.sync(eventId))] });
  },
});

const audit = defineRoute({
  method: 'GET',
  path: '/api/v1/admin/audit',
  area,
  summary:
    'Recomputes the promises from the rows and compares with Redis and with what the provider charged: takes a while',
  who: 'admin',
  limit: 'general',
  query: z.object({ event_id: z.uuid().optional() }),
  answers: {
    200: z.object({
      clean: z.boolean(),
      at: z.iso.datetime(),
      checks: z.array(
        z.object({
          promise: z.string(),
          claim: z.string(),
          examined: z.int(),
          violations: z.int(),
          pending: z.int(),
        }),
      ),
      findings: z.array(z.object({ promise: z.string(), kind: z.string(), subject: z.string(), sentence: z.string() })),
      notes: z.array(z.string()),
    }),
  },
  async handle(call, { audit: run }) {
    const { checks, findings, notes, ...report } = await run(call.query.event_id ?? null);
    call.reply(200, { ...report, checks: [...checks], findings: [...findings], notes: [...notes] });
  },
});

export const adminRoutes: readonly Route[] = [
  sagas,
  retrySaga,
  deadLetters,
  replay,
  inventoryStatus,
  syncInventory,
  audit,
];
