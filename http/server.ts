/**
 * The listening socket: puts the route table on it, answers what the table does not have, and stops without cutting
 * anybody off. With exchange.ts and live/socket.ts the only user of uWebSockets.js.
 */
import type { HttpRequest, HttpResponse, ListenOptions, TemplatedApp, us_listen_socket } from 'uWebSockets.js';
import { createAnswerHeads } from './answer-head.ts';
import { createClientAddress } from './client-address.ts';
import type { Deps } from './deps.ts';
import { dispatch } from './dispatch.ts';
import type { Edge } from './edge.ts';
import { Exchange } from './exchange.ts';
import { otherMethod, preflight, unknownPath } from './fallback.ts';
import { Intake } from './intake.ts';
import { createBodyReader } from './json-body.ts';
import type { LiveRooms } from './live/live-rooms.ts';
import { addLiveSocket } from './live/socket.ts';
import { createHeadReader } from './request-head.ts';
import type { Method, Route } from './route.ts';
import { UnderWay } from './under-way.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Other processes listen here as well, and the system spreads the connections over them (SO_REUSEPORT). @default false */
  readonly sharesPort?: boolean;
  readonly routes: readonly Route[];
  readonly deps: Deps;
  /** Live connections to waiting rooms; absent: there is no WebSocket. */
  readonly live?: LiveRooms;
  /** Origins whose pages may call, as browsers send them: `https://tickets.example`. */
  readonly corsOrigins: readonly string[];
  /** The origin at which our pages confirm a card; null: none but our own. @default null */
  readonly paymentOrigin?: string | null;
  /** Addresses and networks (CIDR) of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Bytes of bodies that arrive in pieces, all together; beyond it their senders get 503. @default 67108864 */
  readonly waitingBytesMax?: number;
  /** Who came in a crowd and has waited for so long to be read gets 503. @default 1000 */
  readonly crowdWaitMaxMs?: number;
  /** A request without an answer for so long gets 503. @default 30000 */
  readonly answerWithinMs?: number;
  /** How long `stop` waits for requests under way. @default 10000 */
  readonly drainMs?: number;
  /**
   * Whoever keeps a connection hears with their next answer that it closes: cut off in silence, a request that is just being
   * sent on it would be lost. When nobody has sent anything for so long, `stop` closes what is left. @default 250
   */
  readonly farewellMs?: number;
}

export interface Server {
  readonly url: string;
  readonly port: number;
  /** Takes no new connections, waits for what is under way, closes all. Asked for again, it is the same stop. */
  stop(): Promise<void>;
}

/** The parser's own limit, above ours so that ours answers. It reads this at import. */
const parserHeadBytesMax = '16384';
const sweepEveryMs = 1_000;

/** Rejects when the address cannot be listened on. */
export async function startServer(options: ServerOptions): Promise<Server> {
  // biome-ignore lint/style/noProcessEnv: the only way to tell uWebSockets.js, and only before it is loaded.
  process.env.UWS_HTTP_MAX_HEADERS_SIZE = parserHeadBytesMax;
  const { default: uws } = await import('uWebSockets.js');
  let onSettled = (): void => {};
  const edge = createEdge(options, () => onSettled());
  const app = uws.App();
  if (options.live) addLiveSocket(app, edge, options.live);
  addRoutes(app, options.routes, edge);
  const socket = await listen(app, options);
  const port = uws.us_socket_local_port(socket);
  const sweep = setInterval(() => refuseOverdue(edge, options.answerWithinMs ?? 30_000), sweepEveryMs);

  const stop = async () => {
    uws.us_listen_socket_close(socket);
    edge.closing = true;
    await options.live?.drain();
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(resolve, options.drainMs ?? 10_000);
      let quiet: NodeJS.Timeout | undefined;
      onSettled = () => {
        clearTimeout(quiet);
        if (edge.underWay.size > 0) return;
        quiet = setTimeout(() => {
          if (edge.underWay.size > 0) return;
          clearTimeout(deadline);
          resolve();
        }, options.farewellMs ?? 250);
      };
      onSettled();
    });
    clearInterval(sweep);
    app.close();
  };
  // The listening socket is native memory that is freed when it closes: closing it twice ends the process, at times.
  let stopping: Promise<void> | null = null;
  return {
    url: `http://${options.host}:${port}`,
    port,
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}

function createEdge(options: ServerOptions, settled: () => void): Edge {
  const { deps, routes, corsOrigins, paymentOrigin = null, trustedProxies } = options;
  return {
    deps,
    heads: createAnswerHeads({ crossOrigin: corsOrigins.length > 0, paymentOrigin }),
    readHead: createHeadReader(routes.flatMap((route) => Object.keys(route.headers?.shape ?? {}))),
    readBody: createBodyReader(routes),
    nextRequestId: requestIds(deps.ids.next()),
    clientAddress: createClientAddress(trustedProxies),
    corsOrigins: new Set(corsOrigins),
    underWay: new UnderWay(),
    dispatch,
    intake: new Intake(options.crowdWaitMaxMs ?? 1_000),
    settled,
    waitingBytesMax: options.waitingBytesMax ?? 67_108_864,
    waitingBytes: 0,
    closing: false,
  };
}

/** One id for the life of this server and a count: unique everywhere, and a fraction of the cost of an id each. */
function requestIds(serverId: string): () => string {
  let count = 0;
  return () => {
    count += 1;
    return `${serverId}.${count.toString(36)}`;
  };
}

declare module 'uWebSockets.js' {
  interface TemplatedApp {
    /** The library takes options beside a host, which its types do not say. */
    listen(host: string, port: number, options: ListenOptions, done: (socket: us_listen_socket | false) => void): this;
  }
}

/** The library's LIBUS_LISTEN_DEFAULT shares the port with whoever else does; LIBUS_LISTEN_EXCLUSIVE_PORT with nobody. */
const listenOptions = { shared: 0, exclusive: 1 } as const;

function listen(app: TemplatedApp, { host, port, sharesPort = false }: ServerOptions): Promise<us_listen_socket> {
  return new Promise((resolve, reject) => {
    app.listen(host, port, sharesPort ? listenOptions.shared : listenOptions.exclusive, (socket) => {
      if (socket) resolve(socket);
      else reject(new Error(`cannot listen on ${host}:${port}`));
    });
  });
}

function addRoutes(app: TemplatedApp, routes: readonly Route[], edge: Edge): void {
  const methodsOf = new Map<string, Method[]>();
  for (const route of routes) {
    addRoute(app, route, edge);
    methodsOf.set(route.path, [...(methodsOf.get(route.path) ?? []), route.method]);
  }
  for (const [path, methods] of methodsOf) addFallback(app, path, methods, edge);
  addFallback(app, '/*', [], edge);
}

const verbs = { GET: 'get', POST: 'post', PUT: 'put', DELETE: 'del' } as const satisfies Record<
  Method,
  keyof TemplatedApp
>;

function addRoute(app: TemplatedApp, route: Route, edge: Edge): void {
  const handler = (method: string) => (res: HttpResponse, req: HttpRequest) => {
    new Exchange(edge, route, res, method).begin(req);
  };
  app[verbs[route.method]](route.path, handler(route.method));
  if (route.method === 'GET') app.head(route.path, handler('HEAD'));
}

/** What is not in the table: unknown paths, other methods of known ones, and browsers asking before they call. */
function addFallback(app: TemplatedApp, path: string, methods: readonly Method[], edge: Edge): void {
  const refusal = methods.length === 0 ? unknownPath : otherMethod(methods);
  const asking = preflight(methods);
  app.any(path, (res, req) => {
    const route = methods.length > 0 && req.getMethod() === 'options' ? asking : refusal;
    new Exchange(edge, route, res, 'ANY').begin(req);
  });
}

/** A request must not hang because a handler forgot it or a store never answered. */
function refuseOverdue(edge: Edge, answerWithinMs: number): void {
  const oldestMs = performance.now() - answerWithinMs;
  let exchange = edge.underWay.oldest;
  while (exchange !== null && exchange.startedAtMs <= oldestMs) {
    const { later } = exchange;
    exchange.edge.deps.logger.error(
      { request_id: exchange.requestId, route: exchange.route.path },
      'no answer in time',
    );
    exchange.refuse({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 });
    exchange = later;
  }
}
