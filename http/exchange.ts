/**
 * One request and its one answer. Owns the response object: whether the client is still there, the body with its limit
 * while it arrives, and that exactly one answer is written. Who may call and what the body means is dispatch.ts's.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import type { Rejection } from '../engine/outcome.ts';
import { readTraceparent, traceIdOf } from '../engine/trace-context.ts';
import type { User } from './auth.ts';
import type { Edge } from './edge.ts';
import { successBody } from './envelope.ts';
import { isJsonType, Unreadable } from './json-body.ts';
import { isOutage } from './outage.ts';
import { problemBody, problems } from './problem.ts';
import { decoded, queryOf, requestIdOf } from './request-head.ts';
import type { AnyCall, HeaderPairs, OpenAnswer, Route } from './route.ts';
import type { Neighbour } from './under-way.ts';
import { WaitingBody } from './waiting-body.ts';

const bodyBytesMaxDefault = 16_384;
/** The client went away: nobody reads this status, but metrics count it (nginx's number for it). */
const abortedStatus = 499;

export class Exchange implements AnyCall, Neighbour<Exchange> {
  readonly edge: Edge;
  readonly route: Route;
  readonly startedAtMs = performance.now();
  requestId = '';
  /** What came, until dispatch.ts has put the parsed values in their place. */
  params: unknown;
  query: unknown;
  headers: unknown;
  body: unknown;
  user: User | null = null;
  /** The bearer token; empty without one. */
  token = '';
  earlier: Exchange | null = null;
  later: Exchange | null = null;

  private readonly res: HttpResponse;
  private readonly method: string;
  private raw: Readonly<Record<string, string>> = {};
  private state: 'open' | 'answered' | 'aborted' = 'open';
  private closeAfter = false;
  private gone: (() => void) | null = null;
  private extra: string[] | null = null;
  private cacheable = false;
  private waiting: WaitingBody | null = null;
  private receivedBytes = 0;

  /** Attaches to the abort first of all: a throw before that would end the process (in native code). */
  constructor(edge: Edge, route: Route, res: HttpResponse, method: string) {
    this.edge = edge;
    this.route = route;
    this.res = res;
    this.method = method;
    res.onAborted(() => this.abort());
    edge.underWay.add(this);
  }

  /** Neither answered nor aborted. */
  get isOpen(): boolean {
    return this.state === 'open';
  }

  get aborted(): boolean {
    return this.state === 'aborted';
  }

  get traceparent(): string | undefined {
    return readTraceparent(this.raw.traceparent) ?? undefined;
  }

  get ifNoneMatch(): string | undefined {
    return this.raw['if-none-match'];
  }

  /** Copies what is needed of `req`, which is gone after this call, and goes on when the body is there. */
  begin(req: HttpRequest): void {
    try {
      const { headers, fault } = this.edge.readHead(req);
      this.raw = headers;
      this.requestId = requestIdOf(headers) ?? this.edge.nextRequestId();
      const refusal = fault ?? this.refusalOfBody();
      if (refusal !== null) {
        // Whatever follows on this connection cannot be trusted or is not wanted.
        this.closeAfter = true;
        this.refuse(refusal);
        return;
      }
      this.copyInput(req);
      if (this.takesBody()) this.res.onData((chunk, isLast) => this.receive(chunk, isLast));
      else this.proceed();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Head and body are there. */
  proceed(): void {
    try {
      this.edge.dispatch(this);
    } catch (error) {
      this.fail(error);
    }
  }

  address(): string {
    if (this.state !== 'open') return '';
    const remote = Buffer.from(this.res.getRemoteAddressAsText()).toString('latin1');
    return this.edge.clientAddress(remote, this.raw['x-forwarded-for']);
  }

  header(name: string, value: string): void {
    this.extra ??= [];
    this.extra.push(name, value);
  }

  cacheFor(maxAgeSeconds: number): void {
    this.cacheable = true;
    this.header('Cache-Control', `public, max-age=${maxAgeSeconds}`);
  }

  reply(status: number, data: unknown, meta?: unknown): void {
    this.replyBytes(status, successBody(data, meta));
  }

  replyBytes(status: number, body: string | Uint8Array): void {
    if (this.cacheable) this.send(status, 'application/json', body);
    else this.write(status, this.edge.heads.privateJson(status), body);
  }

  send(status: number, mediaType: string, body: string | Uint8Array): void {
    this.header('Content-Type', mediaType);
    this.write(status, this.edge.heads.bare(status), body);
  }

  bare(status: 204 | 304): void {
    this.write(status, this.edge.heads.bare(status), null);
  }

  refuse(rejection: Rejection, headers: HeaderPairs = []): void {
    const { status } = problems[rejection.code];
    for (const [name, value] of headers) this.header(name, value);
    if (rejection.retryAfterSeconds !== undefined) this.header('Retry-After', String(rejection.retryAfterSeconds));
    if (status === 401) this.header('WWW-Authenticate', 'Bearer');
    if (this.state === 'open') this.route.refused?.(this.edge.deps, rejection.code);
    this.write(status, this.edge.heads.privateJson(status), problemBody(rejection));
  }

  stream(mediaType: string, gone: () => void): OpenAnswer | null {
    this.header('Content-Type', mediaType);
    this.header('Cache-Control', 'no-store');
    const res = this.handOver(200);
    if (res === null) return null;
    this.gone = gone;
    res.cork(() => {
      this.writeHead(this.edge.heads.bare(200));
      if (this.method === 'HEAD') res.endWithoutBody();
    });
    return this.method === 'HEAD' ? null : res;
  }

  /** Gives the response to whoever goes on with it, as a stream or a socket. Null: the client is gone. */
  handOver(status: number): HttpResponse | null {
    if (this.state !== 'open') return null;
    this.state = 'answered';
    this.settle(status);
    return this.res;
  }

  /** The log gets the error; the client learns whether to come back, or the request id. */
  fail(error: unknown): void {
    const trace_id = this.traceparent && traceIdOf(this.traceparent);
    const line = { err: error, request_id: this.requestId, trace_id, route: this.route.path };
    this.extra = null;
    if (isOutage(error)) {
      this.edge.deps.logger.warn(line, 'no answer from a store or provider');
      this.refuse({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 });
    } else {
      this.edge.deps.logger.error(line, 'request failed');
      this.refuse({ code: 'INTERNAL_ERROR', details: { request_id: this.requestId } });
    }
  }

  /** Goes on with `next` when `promise` has its value. Every error on the way is taken to `fail`. */
  after<Value>(promise: Promise<Value>, next: (value: Value) => void): void {
    promise.then(next).catch((error: unknown) => this.fail(error));
  }

  private copyInput(req: HttpRequest): void {
    const { route, raw } = this;
    const authorization = raw.authorization;
    if (authorization?.startsWith('Bearer ')) this.token = authorization.slice(7);
    if (route.params !== undefined) {
      const names = Object.keys(route.params.shape);
      this.params = Object.fromEntries(names.map((name, i) => [name, decoded(req.getParameter(i))]));
    }
    if (route.query !== undefined) this.query = queryOf(req.getQuery());
    this.headers = raw;
  }

  private takesBody(): boolean {
    return this.route.method === 'POST' || this.route.method === 'PUT';
  }

  /** What is wrong with the body by what the head says of it. */
  private refusalOfBody(): Rejection | null {
    const { raw, route } = this;
    if (!this.takesBody()) return null;
    const declaredBytes = Number(raw['content-length'] ?? 0);
    if (declaredBytes > this.bodyBytesMax()) return this.tooLarge();
    const isEmpty = declaredBytes === 0 && raw['transfer-encoding'] === undefined;
    if (isEmpty || route.body === undefined || route.body === 'raw') return null;
    return isJsonType(raw['content-type']) ? null : { code: 'UNSUPPORTED_MEDIA_TYPE' };
  }

  private receive(chunk: ArrayBuffer, isLast: boolean): void {
    if (this.state !== 'open') return;
    try {
      this.receivedBytes += chunk.byteLength;
      if (this.receivedBytes > this.bodyBytesMax()) {
        this.closeAfter = true;
        this.refuse(this.tooLarge());
      } else if (!isLast) this.keep(chunk);
      else this.complete(this.waiting === null ? Buffer.from(chunk) : this.waiting.whole(chunk));
    } catch (error) {
      this.fail(error);
    }
  }

  private keep(chunk: ArrayBuffer): void {
    const { edge } = this;
    this.waiting ??= new WaitingBody(edge);
    this.waiting.keep(chunk);
    if (edge.waitingBytes <= edge.waitingBytesMax) return;
    this.closeAfter = true;
    this.refuse({ code: 'SERVICE_UNAVAILABLE', message: 'too many bodies are under way', retryAfterSeconds: 1 });
  }

  private complete(bytes: Buffer): void {
    const { body } = this.route;
    this.waiting?.drop();
    if (body === 'raw') this.body = Buffer.from(bytes);
    else if (body !== undefined) this.body = this.edge.readBody(this.route, bytes);
    if (this.body instanceof Unreadable) this.refuse({ code: 'VALIDATION_ERROR', details: { body: this.body.why } });
    else if (this.route.isCrowded) this.edge.intake.take(this);
    else this.proceed();
  }

  private bodyBytesMax(): number {
    return this.route.bodyBytesMax ?? bodyBytesMaxDefault;
  }

  private tooLarge(): Rejection {
    return { code: 'PAYLOAD_TOO_LARGE', details: { body: `more than ${this.bodyBytesMax()} bytes` } };
  }

  private write(status: number, head: Uint8Array, body: string | Uint8Array | null): void {
    if (this.state === 'aborted') return;
    if (this.state === 'answered') {
      this.edge.deps.logger.error({ request_id: this.requestId, route: this.route.path }, 'answered more than once');
      return;
    }
    this.state = 'answered';
    const { res } = this;
    const close = this.closeAfter || this.edge.closing;
    res.cork(() => {
      this.writeHead(head);
      // Not even `undefined` may be passed for "no length": it is written as a number.
      if (body === null) res.endWithoutBody();
      else if (this.method === 'HEAD') res.endWithoutBody(Buffer.byteLength(body), close);
      else res.end(body, close);
    });
    this.settle(status);
  }

  private writeHead(head: Uint8Array): void {
    const { res, raw, extra } = this;
    res.writeStatus(head).writeHeader('X-Request-ID', this.requestId);
    if (raw.origin !== undefined && this.edge.corsOrigins.has(raw.origin)) {
      res.writeHeader('Access-Control-Allow-Origin', raw.origin);
    }
    if (extra !== null) for (let i = 0; i < extra.length; i += 2) res.writeHeader(extra[i] ?? '', extra[i + 1] ?? '');
  }

  private abort(): void {
    this.gone?.();
    if (this.state !== 'open') return;
    this.state = 'aborted';
    this.settle(abortedStatus);
  }

  private settle(status: number): void {
    const { edge, route, method, startedAtMs } = this;
    edge.underWay.remove(this);
    this.waiting?.drop();
    edge.deps.observe({ path: route.path, method, status, seconds: (performance.now() - startedAtMs) / 1000 });
    edge.settled();
  }
}
