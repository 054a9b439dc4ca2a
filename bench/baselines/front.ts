/**
 * The HTTP side of a baseline: Fastify with schemas both ways, the API of Onsale's reserve, and Onsale's own check of
 * tokens with its memory of tokens seen. Requests differ between the servers in nothing but what holds the seats.
 */
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Outcome } from '../../engine/outcome.ts';
import type { AccessTokens } from '../../http/auth.ts';
import { problemBody, problems } from '../../http/problem.ts';
import type { Desk, Held } from './desk.ts';

const uuid = { type: 'string', format: 'uuid' } as const;
const schema = {
  body: {
    type: 'object',
    required: ['event_id', 'zone_id', 'quantity'],
    properties: {
      event_id: uuid,
      show_id: uuid,
      zone_id: uuid,
      quantity: { type: 'integer', minimum: 1, maximum: 1_000 },
    },
  },
  response: {
    201: {
      type: 'object',
      properties: {
        success: { type: 'boolean' },
        data: {
          type: 'object',
          properties: {
            booking_id: { type: 'string' },
            status: { type: 'string' },
            event_id: { type: 'string' },
            zone_id: { type: 'string' },
            quantity: { type: 'integer' },
            seats: { type: 'null' },
            total_amount: { type: 'integer' },
            currency: { type: 'string' },
            expires_at: { type: 'string' },
            expires_in_ms: { type: 'integer' },
            server_time: { type: 'string' },
          },
        },
      },
    },
  },
};

interface ReserveBody {
  readonly event_id: string;
  readonly zone_id: string;
  readonly quantity: number;
}

/** Not listening yet. */
export function createFront(desk: Desk, tokens: AccessTokens): FastifyInstance {
  const app = fastify({ bodyLimit: 16_384, keepAliveTimeout: 60_000 });
  app.post<{ Body: ReserveBody }>('/api/v1/bookings/reserve', { schema }, async (request, reply) => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const user = tokens.check(token);
    if (!user) return refuse(reply, { ok: false, rejection: { code: 'UNAUTHORIZED' } });
    const key = keyOf(request);
    if (!key) return refuse(reply, { ok: false, rejection: { code: 'IDEMPOTENCY_KEY_REQUIRED' } });
    const { event_id: eventId, zone_id: zoneId, quantity } = request.body;
    const outcome = await desk.reserve({ userId: user.id, eventId, zoneId, quantity, key });
    if (!outcome.ok) return refuse(reply, outcome);
    if (outcome.value.replayed) reply.header('Idempotency-Replayed', 'true');
    return reply.code(201).header('X-Request-ID', request.id).send(answerOf(outcome.value));
  });
  return app;
}

function keyOf({ headers }: FastifyRequest): string | null {
  const key = headers['idempotency-key'];
  return typeof key === 'string' && key.length > 0 && key.length <= 255 ? key : null;
}

function refuse(reply: FastifyReply, { rejection }: Extract<Outcome<never>, { readonly ok: false }>): FastifyReply {
  const { status } = problems[rejection.code];
  if (status === 503) reply.header('Retry-After', '1');
  return reply.code(status).type('application/json').send(problemBody(rejection));
}

function answerOf(held: Held) {
  const { bookingId, eventId, zoneId, quantity, amountMinor, currency, createdAtMs, expiresAtMs } = held;
  return {
    success: true,
    data: {
      booking_id: bookingId,
      status: 'reserved',
      event_id: eventId,
      zone_id: zoneId,
      ...{ quantity, seats: null, total_amount: amountMinor, currency },
      expires_at: new Date(expiresAtMs).toISOString(),
      expires_in_ms: expiresAtMs - createdAtMs,
      server_time: new Date(createdAtMs).toISOString(),
    },
  };
}
