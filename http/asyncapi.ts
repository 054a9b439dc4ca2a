/** The AsyncAPI 3 document of the live connections, from the very schemas that check what clients say. */
import type { z } from 'zod';
import { clientMessages, farewells, serverMessages, subprotocol } from './live-view.ts';
import { schemaOf } from './openapi.ts';

type Json = Readonly<Record<string, unknown>>;

interface Channel extends Json {
  readonly address: string;
  readonly messages: Readonly<Record<string, { readonly $ref: string }>>;
}

interface Operation extends Json {
  readonly action: 'send' | 'receive';
  readonly channel: { readonly $ref: string };
  readonly messages: readonly { readonly $ref: string }[];
}

export interface AsyncApi {
  readonly asyncapi: '3.0.0';
  readonly info: Json;
  readonly channels: Readonly<Record<string, Channel>>;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly components: { readonly messages: Readonly<Record<string, Json>>; readonly securitySchemes: Json };
}

const eventId = { description: 'the event whose waiting room is followed' };

/** Throws when a schema cannot be said in JSON Schema. */
export function asyncApi(): AsyncApi {
  const said = Object.keys(serverMessages);
  const heard = Object.keys(clientMessages);
  return {
    asyncapi: '3.0.0',
    info: { title: 'Onsale: the waiting room, live', version: '1.0.0', description: rules },
    channels: {
      socket: channel(`/api/v1/ws?event_id={event_id}`, [...said, ...heard], {
        description: `WebSocket; the handshake offers the subprotocol ${subprotocol} and, as bearer.TOKEN, the access token.`,
      }),
      stream: channel('/api/v1/queue/position/{event_id}/stream', said, {
        description: 'Server-sent events: each message is the data of one event. Clients speak over REST.',
      }),
    },
    operations: {
      tellSocket: operation('send', 'socket', said),
      hearSocket: operation('receive', 'socket', heard),
      tellStream: operation('send', 'stream', said),
    },
    components: {
      messages: Object.fromEntries([
        ...Object.entries(serverMessages).map(([name, schema]) => [name, message(name, schema, 'output')]),
        ...Object.entries(clientMessages).map(([name, schema]) => [name, message(name, schema, 'input')]),
      ]),
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  };
}

const closeCodes = Object.entries(farewells)
  .map(([why, { code, comeBack }]) => `${code} ${why}${comeBack ? '' : ' (coming back would end the same way)'}`)
  .join(', ');

const rules = [
  'Every message is whole in itself, so one that is skipped is made good by the next, and a reconnect needs no replay: welcome has it all.',
  'A message whose seq is lower than that of another is older, also across reconnects and nodes.',
  `Before it closes, the server says goodbye and why; the WebSocket's close codes are ${closeCodes}.`,
].join(' ');

function channel(address: string, messages: readonly string[], more: Json): Channel {
  const refs = messages.map((name) => [name, { $ref: `#/components/messages/${name}` }]);
  return { address, parameters: { event_id: eventId }, messages: Object.fromEntries(refs), ...more };
}

function operation(action: 'send' | 'receive', name: string, messages: readonly string[]): Operation {
  return {
    action,
    channel: { $ref: `#/channels/${name}` },
    messages: messages.map((one) => ({ $ref: `#/channels/${name}/messages/${one}` })),
    security: [{ $ref: '#/components/securitySchemes/bearer' }],
  };
}

function message(name: string, schema: z.ZodType, io: 'input' | 'output'): Json {
  return { name, contentType: 'application/json', payload: schemaOf(schema, io) };
}
