/**
 * What one entry of the route table says, and what its handler is given. Validation, authorization, rate limits and the
 * OpenAPI document come out of these entries; nothing about a route is written anywhere else.
 */
import type { z } from 'zod';
import type { Rejection, RejectionCode } from '../engine/outcome.ts';
import type { User } from './auth.ts';
import type { Deps } from './deps.ts';
import type { LimitName } from './limits.ts';

/** `organizer` admits admins too; `provider` proves itself by a signature over the raw body, in its handler. */
export type Caller = 'anyone' | 'user' | 'organizer' | 'admin' | 'provider';
export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** An answer that is not JSON. */
export interface Media {
  readonly mediaType: string;
}
type Answers = Readonly<Record<number, z.ZodType | Media>>;
type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
type Body<Schema> = Schema extends 'raw' ? Uint8Array : Parsed<Schema>;
type CallerOf<Who extends Caller> = Who extends 'anyone' | 'provider' ? null : User;
type Data<Answer> = Answer extends z.ZodType ? z.input<Answer> : never;

export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/** An answer whose end has not been written. */
export interface OpenAnswer {
  /** Has everything that `act` writes sent at once. */
  cork(act: () => void): unknown;
  /** False: earlier pieces still wait in memory, and this one behind them. */
  write(piece: Uint8Array): boolean;
  end(): unknown;
  /** Cuts the connection, whatever waits; `gone` is called. */
  close(): unknown;
}

/** The part of a call that is the same for every route. One of the answering methods must be called, exactly once. */
export interface AnyCall {
  readonly params: unknown;
  readonly query: unknown;
  readonly headers: unknown;
  readonly body: unknown;
  readonly user: User | null;
  readonly requestId: string;
  /** True when the client is gone: answers go nowhere, and that is no error. */
  readonly aborted: boolean;
  /** W3C Trace Context of the request, where it came with one that is well formed. */
  readonly traceparent: string | undefined;
  /** The value of If-None-Match, or undefined. */
  readonly ifNoneMatch: string | undefined;
  /** The client's address, as TRUST_PROXY lets us know it; IPv6 as its /64 prefix. */
  address(): string;
  /** Adds a header to the answer. Call it before answering. */
  header(name: string, value: string): void;
  /** Lets shared caches keep the answer; without this call JSON answers say `no-store`. Call it before answering. */
  cacheFor(maxAgeSeconds: number): void;
  /** Answers `{"success":true,"data":…,"meta":…}`. */
  reply(status: number, data: unknown, meta?: unknown): void;
  /** Answers a JSON body that is ready-made, envelope included. */
  replyBytes(status: number, body: string | Uint8Array): void;
  /** Answers something that is not JSON. */
  send(status: number, mediaType: string, body: string | Uint8Array): void;
  /**
   * Begins an answer that goes on until one side ends it. `gone` is called when the client has ended it: from then on the
   * answer must not be touched. Null: there is nobody to go on with.
   */
  stream(mediaType: string, gone: () => void): OpenAnswer | null;
  /** Answers without a body. */
  bare(status: 204 | 304): void;
  refuse(rejection: Rejection, headers?: HeaderPairs): void;
}

export interface Call<Params, Query, Headers, Input, Who extends User | null, Out extends Answers, Meta>
  extends AnyCall {
  readonly params: Params;
  readonly query: Query;
  readonly headers: Headers;
  readonly body: Input;
  readonly user: Who;
  reply<Status extends keyof Out & number>(status: Status, data: Data<Out[Status]>, meta?: Meta): void;
}

/** What every entry says, whatever its schemas. */
interface Entry {
  readonly method: Method;
  /** From the root, parameters as `:name`. */
  readonly path: `/${string}`;
  /** Heading under which the API's page lists it. */
  readonly area: string;
  readonly summary: string;
  readonly who: Caller;
  /** The token bucket that a call is taken from; null: not limited. */
  readonly limit: LimitName | null;
  /** Whether a call of this user with these headers is not limited after all. Absent: none is. */
  readonly isExempt?: (
    headers: Readonly<Record<string, string | undefined>>,
    userId: string,
    deps: Deps,
  ) => boolean | Promise<boolean>;
  /** Organizers and admins reach through it what is not theirs. @default false */
  readonly reachesOthers?: boolean;
  /** Comes in crowds: its calls wait for their turn, so that no other route's wait for them. @default false */
  readonly isCrowded?: boolean;
  /** Largest body taken. @default 16384 */
  readonly bodyBytesMax?: number;
  /** Told of each call that is refused, by the handler or before it came there: for metrics of its own. */
  readonly refused?: (deps: Deps, code: RejectionCode) => void;
  /** Refusals of its own, for the OpenAPI document; those of the edge are added by themselves. */
  readonly refusals?: readonly RejectionCode[];
}

interface RouteSpec<
  Who extends Caller,
  Params extends z.ZodObject | undefined,
  Query extends z.ZodObject | undefined,
  Headers extends z.ZodObject | undefined,
  Input extends z.ZodType | 'raw' | undefined,
  Out extends Answers,
  Meta extends z.ZodType | undefined,
> extends Entry {
  readonly who: Who;
  readonly params?: Params;
  readonly query?: Query;
  /** Names in lower case. */
  readonly headers?: Headers;
  /** `raw`: the handler gets the bytes as they came, whatever their content type. */
  readonly body?: Input;
  /** Success status → schema of `data`. */
  readonly answers: Out;
  readonly meta?: Meta;
  handle(
    call: Call<Parsed<Params>, Parsed<Query>, Parsed<Headers>, Body<Input>, CallerOf<Who>, Out, Parsed<Meta>>,
    deps: Deps,
  ): void | Promise<void>;
}

export interface Route extends Entry {
  readonly params?: z.ZodObject | undefined;
  readonly query?: z.ZodObject | undefined;
  readonly headers?: z.ZodObject | undefined;
  readonly body?: z.ZodType | 'raw' | undefined;
  readonly answers: Answers;
  readonly meta?: z.ZodType | undefined;
  handle(call: AnyCall, deps: Deps): void | Promise<void>;
}

/**
 * Makes an entry of the table; the handler's input and answer types follow from the schemas. Throws when the
 * parameters of the path are not those of the schema.
 */
export function defineRoute<
  const Who extends Caller,
  const Out extends Answers,
  Params extends z.ZodObject | undefined = undefined,
  Query extends z.ZodObject | undefined = undefined,
  Headers extends z.ZodObject | undefined = undefined,
  Input extends z.ZodType | 'raw' | undefined = undefined,
  Meta extends z.ZodType | undefined = undefined,
>(spec: RouteSpec<Who, Params, Query, Headers, Input, Out, Meta>): Route {
  const inPath = pathParameters(spec.path);
  const inSchema = Object.keys(spec.params?.shape ?? {});
  if (inPath.join() !== inSchema.join()) {
    throw new Error(`${spec.method} ${spec.path}: the path has parameters [${inPath}], the schema [${inSchema}]`);
  }
  return spec;
}

/** The names of a path's parameters, in order. */
function pathParameters(path: string): readonly string[] {
  return [...path.matchAll(/:([a-z_]+)/g)].map((match) => String(match[1]));
}
