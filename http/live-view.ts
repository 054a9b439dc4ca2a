/**
 * What the waiting room says to live connections and hears from them: the same messages over WebSocket and as
 * server-sent events. The AsyncAPI document is made from these schemas, and what clients send is checked by them.
 *
 * Every message is whole in itself (absolute numbers, never a difference), so one that is lost or skipped is made good
 * by the next, and a reconnect needs no replay.
 */
import { z } from 'zod';
import { bookingView } from './booking-view.ts';
import { availabilityView, queueStatusView, standingView } from './queue-view.ts';

/** What both ends agree on by the WebSocket's subprotocol. A change that old clients cannot read gets a new one. */
export const subprotocol = 'onsale.v1';

const { seq, server_time } = queueStatusView.shape;

const roomMessage = queueStatusView.extend({
  type: z
    .enum(['position', 'opened', 'paused', 'closed', 'sold_out'])
    .describe('position: once a second; the others: at once, when mode or sold_out has just changed'),
});

const placeFields = standingView.extend({
  status: z.enum([...standingView.shape.status.options, 'absent']).describe('absent: no place in this queue'),
  seq,
  server_time,
});

const welcomeMessage = placeFields.extend({
  type: z.literal('welcome'),
  resume: z.string().describe('names this connection; the next one may offer it to take its place'),
  resumed: z.boolean().describe('true: the connection that was offered was still open on our side, and is replaced'),
});

const placeMessage = placeFields.extend({
  type: z
    .enum(['place', 'admitted'])
    .describe('place: the answer to join, leave and position, and at once when the pass was used; admitted: at once'),
});

const leftMessage = z.object({
  type: z.literal('left'),
  reason: z.enum(['left', 'timed_out', 'pass_expired']),
  seq,
  server_time,
});

const availabilityMessage = availabilityView.extend({ type: z.literal('availability'), server_time });

const bookingMessage = bookingView.extend({ type: z.literal('booking'), server_time });

const notificationMessage = z.object({
  type: z.literal('notification'),
  kind: z.enum(['confirmed', 'expired', 'refunded']),
  event_id: z.uuid(),
  booking_id: z.uuid(),
  created_at: z.iso.datetime(),
  server_time,
});

const refusedMessage = z.object({
  type: z.literal('refused'),
  request: z.enum(['join', 'leave', 'position']),
  error: z.object({ code: z.string(), message: z.string(), details: z.record(z.string(), z.unknown()) }),
  retry_after_seconds: z.int().nullable().describe('then the same may be asked again; null: it would be refused again'),
});

const pongMessage = z.object({ type: z.literal('pong'), server_time });

/** Why the server ends a connection: what it says before, and the WebSocket's close code. */
export const farewells = {
  malformed: { code: 4400, comeBack: false },
  unauthorized: { code: 4401, comeBack: true },
  unknown_event: { code: 4404, comeBack: false },
  silent: { code: 4408, comeBack: true },
  replaced: { code: 4409, comeBack: false },
  slow: { code: 4410, comeBack: true },
  flooding: { code: 4429, comeBack: true },
  failed: { code: 1011, comeBack: true },
  restart: { code: 1012, comeBack: true },
  unavailable: { code: 1013, comeBack: true },
  stream_over: { code: 1000, comeBack: true },
} as const;

export type Farewell = keyof typeof farewells;

const goodbyeMessage = z.object({
  type: z.literal('goodbye'),
  why: z.enum(Object.keys(farewells) as Farewell[]),
  reconnect_after_ms: z.int().nullable().describe('jittered; null: coming back would end the same way'),
});

/** Everything the server says. */
export const serverMessages = {
  room: roomMessage,
  welcome: welcomeMessage,
  place: placeMessage,
  left: leftMessage,
  availability: availabilityMessage,
  booking: bookingMessage,
  notification: notificationMessage,
  refused: refusedMessage,
  pong: pongMessage,
  goodbye: goodbyeMessage,
};

/** Everything a client may say, over WebSocket. */
export const clientMessages = {
  hello: z.strictObject({
    type: z.literal('hello'),
    token: z.string().max(2_000).describe('access token, when the handshake had none: the first message then'),
    resume: z.string().max(64).optional(),
  }),
  join: z.strictObject({ type: z.literal('join'), access_code: z.string().min(1).max(100).optional() }),
  leave: z.strictObject({ type: z.literal('leave') }),
  position: z.strictObject({ type: z.literal('position') }).describe('asks for the exact place'),
  subscribe_availability: z
    .strictObject({ type: z.literal('subscribe_availability') })
    .describe('asks for what is left of each zone, now and at each change, once a second at most'),
  ping: z.strictObject({ type: z.literal('ping') }),
};

export const clientMessage = z.discriminatedUnion('type', [
  clientMessages.hello,
  clientMessages.join,
  clientMessages.leave,
  clientMessages.position,
  clientMessages.subscribe_availability,
  clientMessages.ping,
]);

export type ClientMessage = z.output<typeof clientMessage>;
export type RoomMessage = z.input<typeof roomMessage>;
export type PlaceFields = z.input<typeof placeFields>;
export type ServerMessage = z.input<(typeof serverMessages)[keyof typeof serverMessages]>;
