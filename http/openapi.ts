/** The OpenAPI 3.1 document of a route table, from the very schemas that validate its requests. */
import { z } from 'zod';
import { type RejectionCode, rejections } from '../engine/outcome.ts';
import { limits } from './limits.ts';
import { problems } from './problem.ts';
import type { Route } from './route.ts';

type Json = Readonly<Record<string, unknown>>;

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly Json[];
  readonly requestBody?: Json;
  readonly responses: Readonly<Record<string, Json>>;
  readonly security: readonly Json[];
}

export interface OpenApi {
  readonly openapi: '3.1.0';
  readonly info: Json;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Json;
}

/** Throws when a schema cannot be said in JSON Schema. */
export function openApi(routes: readonly Route[]): OpenApi {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:([a-z_]+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Onsale',
      version: '1.0.0',
      description:
        'Reservations for the minute a show goes on sale. Money is an integer in the minor unit of its currency; times are RFC 3339, UTC, with milliseconds.',
    },
    tags: [...new Set(routes.map((route) => route.area))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { Problem: problemSchema },
    },
  };
}

const problemSchema = schemaOf(
  z.object({
    success: z.literal(false),
    error: z.object({
      code: z.enum(Object.keys(rejections)),
      message: z.string(),
      details: z.record(z.string(), z.unknown()),
    }),
  }),
  'output',
);

function operation(route: Route): Operation {
  const { method, path, area, summary, who, limit } = route;
  const body = requestBody(route);
  const limited =
    limit === null ? 'Not limited' : `${limits[limit].perMinute} a minute, ${limits[limit].burst} at once`;
  return {
    operationId: [method.toLowerCase(), ...path.split(/[^A-Za-z0-9]+/).filter(Boolean)].join('_'),
    tags: [area],
    summary,
    description: `Who: ${who}. Rate: ${limited}.`,
    parameters: [
      ...parameters('path', route.params),
      ...parameters('query', route.query),
      ...parameters('header', route.headers),
    ],
    ...(body ? { requestBody: body } : {}),
    responses: { ...answers(route), ...refusals(route) },
    security: isOpen(route) ? [] : [{ bearer: [] }],
  };
}

const isOpen = ({ who }: Route): boolean => who === 'anyone' || who === 'provider';

function parameters(place: 'path' | 'query' | 'header', schema: z.ZodObject | undefined): readonly Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Readonly<Record<string, Json>>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description ? { description } : {}),
    schema: property,
  }));
}

function requestBody({ body }: Route): Json | null {
  if (body === undefined) return null;
  if (body === 'raw') return { required: true, content: { '*/*': { schema: {} } } };
  const required = !body.safeParse({}).success;
  return { required, content: { 'application/json': { schema: schemaOf(body, 'input') } } };
}

function answers({ answers, meta }: Route): Readonly<Record<string, Json>> {
  const described = Object.entries(answers).map(([status, answer]) => {
    if (!(answer instanceof z.ZodType)) return [status, { description: 'Done', content: { [answer.mediaType]: {} } }];
    const fields = { success: z.literal(true), data: answer, ...(meta ? { meta } : {}) };
    const schema = schemaOf(z.object(fields), 'output');
    return [status, { description: 'Done', content: { 'application/json': { schema } } }];
  });
  return Object.fromEntries(described);
}

/** Refusals by status: those of the route, and those that the edge gives for it. */
function refusals(route: Route): Readonly<Record<string, Json>> {
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } };
  const codesOf = new Map<number, RejectionCode[]>();
  for (const code of new Set([...(route.refusals ?? []), ...edgeRefusals(route)])) {
    const { status } = problems[code];
    codesOf.set(status, [...(codesOf.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...codesOf].map(([status, codes]) => {
      const description = codes.map((code) => `\`${code}\`: ${rejections[code]}`).join('; ');
      return [String(status), { description, content }];
    }),
  );
}

function edgeRefusals(route: Route): readonly RejectionCode[] {
  const takesBody = route.body !== undefined;
  const takesInput = takesBody || route.params || route.query || route.headers;
  const open = isOpen(route);
  return [
    ...(takesInput ? (['VALIDATION_ERROR'] as const) : []),
    ...(open ? [] : (['UNAUTHORIZED'] as const)),
    ...(open || route.who === 'user' ? [] : (['FORBIDDEN'] as const)),
    ...(takesBody ? (['PAYLOAD_TOO_LARGE'] as const) : []),
    ...(takesBody && route.body !== 'raw' ? (['UNSUPPORTED_MEDIA_TYPE'] as const) : []),
    ...(route.limit === null ? [] : (['RATE_LIMITED'] as const)),
    'INTERNAL_ERROR',
    'SERVICE_UNAVAILABLE',
  ];
}

/** The JSON Schema of what is sent to us (`input`) or by us (`output`). Throws when it cannot be said in one. */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema }) => {
      // A format says the same as zod's page-long pattern of it, and a reader understands it.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    },
  });
  return json;
}
