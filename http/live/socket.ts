/**
 * The WebSocket at /api/v1/ws: who may open one, and each socket as a line of an audience. With server.ts and
 * exchange.ts the only user of uWebSockets.js.
 *
 * The token comes with the handshake (Authorization, or a subprotocol `bearer.TOKEN`, for browsers can set nothing
 * else) or as the first message; never in the address, which is logged. Nothing is taken from cookies, and still no
 * page of a foreign origin gets a socket (OWASP ASVS 4.4.2).
 */
import type { HttpRequest, HttpResponse, TemplatedApp, us_socket_context_t, WebSocket } from 'uWebSockets.js';
import { z } from 'zod';
import type { Edge } from '../edge.ts';
import { Exchange } from '../exchange.ts';
import { type ClientMessage, clientMessage, type Farewell, farewells, subprotocol } from '../live-view.ts';
import type { Route } from '../route.ts';
import type { LiveLine } from './audience.ts';
import type { LiveRooms, Seat } from './live-rooms.ts';
import { goodbyeMessage } from './messages.ts';

const path = '/api/v1/ws';
/** The largest message is a hello with its token. Whoever sends more is cut off without a goodbye. */
const messageBytesMax = 4_096;
/** What may wait for a client that does not read: several messages. Beyond it the socket is cut off. */
const behindBytesMax = 16_384;
/** Messages that a client may send at once, and a second from then on. */
const budget = { burst: 20, perSecond: 5 };
const helloWithinMs = 5_000;
const pingEveryMs = 30_000;
/** Two pings were not answered: the other end is gone, though nobody told us. */
const silentMs = 70_000;
/** uWebSockets.js's own limit, in seconds, for what a crash of ours might leave behind. */
const idleSecondsMax = 120;

/** What the handshake says beside its path. */
interface Handshake {
  readonly key: string;
  readonly protocols: readonly string[];
  readonly origin: string;
  readonly host: string;
  readonly hasBearer: boolean;
}

/** What a socket carries: its properties are copied to another object, so that methods would get lost. */
interface Carried {
  readonly line: SocketLine;
}

export function addLiveSocket(app: TemplatedApp, edge: Edge, live: LiveRooms): void {
  app.ws<Carried>(path, {
    maxPayloadLength: messageBytesMax,
    maxBackpressure: behindBytesMax,
    closeOnBackpressureLimit: 1,
    idleTimeout: idleSecondsMax,
    sendPingsAutomatically: false,
    upgrade: (res, req, context) => upgrade(edge, live, { res, req, context }),
    open: (ws) => ws.getUserData().line.opened(ws),
    message: (ws, bytes) => ws.getUserData().line.receive(bytes),
    pong: (ws) => ws.getUserData().line.heard(),
    drain: (ws) => ws.getUserData().line.drained(),
    close: (ws) => ws.getUserData().line.closed(),
  });
}

// ---- handshake

interface Upgrading {
  readonly res: HttpResponse;
  readonly req: HttpRequest;
  readonly context: us_socket_context_t;
}

/** Goes through the edge as every request does: head, token, limits and query are judged there. */
function upgrade(edge: Edge, live: LiveRooms, { res, req, context }: Upgrading): void {
  const shake = readHandshake(req);
  const token = shake.protocols.find((one) => one.startsWith('bearer.'))?.slice('bearer.'.length) ?? '';
  const route: Route = {
    method: 'GET',
    path,
    area: 'Waiting room',
    summary: 'Follow a waiting room live',
    who: token !== '' || shake.hasBearer ? 'user' : 'anyone',
    limit: 'general',
    query: z.object({ event_id: z.uuid() }),
    answers: {},
    handle: () => accept(exchange, live, shake, context),
  };
  const exchange = new Exchange(edge, route, res, 'GET');
  exchange.token = token;
  exchange.begin(req);
}

function readHandshake(req: HttpRequest): Handshake {
  return {
    key: req.getHeader('sec-websocket-key'),
    protocols: req
      .getHeader('sec-websocket-protocol')
      .split(',', 4)
      .map((one) => one.trim()),
    origin: req.getHeader('origin'),
    host: req.getHeader('host'),
    hasBearer: req.getHeader('authorization') !== '',
  };
}

function accept(exchange: Exchange, live: LiveRooms, shake: Handshake, context: us_socket_context_t): void {
  const { edge, user } = exchange;
  if (!isOurs(shake, edge.corsOrigins)) {
    exchange.refuse({ code: 'FORBIDDEN', message: 'pages of this origin may not connect' });
    return;
  }
  if (!shake.protocols.includes(subprotocol)) {
    exchange.refuse({ code: 'VALIDATION_ERROR', details: { 'sec-websocket-protocol': `must offer ${subprotocol}` } });
    return;
  }
  const opened = live.open('socket', exchange.address());
  if (!opened.ok) {
    exchange.refuse(opened.rejection);
    return;
  }
  const { event_id: eventId } = exchange.query as { event_id: string };
  const resume = shake.protocols.find((one) => one.startsWith('resume.'))?.slice('resume.'.length) ?? null;
  const visit = { eventId, resume, userId: user?.id ?? null, token: exchange.token };
  const res = exchange.handOver(101);
  if (res === null) opened.value();
  else {
    const line = new SocketLine(edge, live, visit, opened.value);
    res.cork(() => res.upgrade<Carried>({ line }, shake.key, subprotocol, '', context));
  }
}

/** Whatever is no browser sends no origin. Of browsers our own pages may, and those that may call the API. */
function isOurs({ origin, host }: Handshake, allowed: ReadonlySet<string>): boolean {
  return origin === '' || allowed.has(origin) || (URL.canParse(origin) && new URL(origin).host === host);
}

// ---- an open socket

interface Visit {
  readonly eventId: string;
  readonly resume: string | null;
  /** Null: the first message will tell. */
  readonly userId: string | null;
  readonly token: string;
}

class SocketLine implements LiveLine {
  readonly id: string;
  userId = '';
  readonly #edge: Edge;
  readonly #live: LiveRooms;
  readonly #visit: Visit;
  readonly #countOut: () => void;
  #ws: WebSocket<Carried> | null = null;
  #seat: Seat | null = null;
  #token: string;
  #heardAtMs: number;
  #pingedAtMs: number;
  #budget: number = budget.burst;
  #spokeAtMs: number;
  #isBehind = false;

  constructor(edge: Edge, live: LiveRooms, visit: Visit, countOut: () => void) {
    this.#edge = edge;
    this.#live = live;
    this.#visit = visit;
    this.#token = visit.token;
    this.#countOut = countOut;
    this.id = edge.deps.ids.next();
    this.#heardAtMs = edge.deps.clock.now();
    this.#pingedAtMs = this.#heardAtMs;
    this.#spokeAtMs = this.#heardAtMs;
  }

  opened(ws: WebSocket<Carried>): void {
    this.#ws = ws;
    const { userId, resume } = this.#visit;
    if (userId !== null) this.#sitDown(userId, resume);
    else
      setTimeout(() => {
        if (this.userId === '') this.end('unauthorized');
      }, helloWithinMs);
  }

  #sitDown(userId: string, resume: string | null): void {
    if (!this.#live.claim(userId)) {
      this.end('flooding');
      return;
    }
    this.userId = userId;
    const seat = this.#live.follow(this.#visit.eventId, this, resume);
    // The room may have refused at once.
    if (this.#ws === null) seat.leave();
    else this.#seat = seat;
  }

  closed(): void {
    this.#ws = null;
    this.#countOut();
    if (this.userId !== '') this.#live.release(this.userId);
    this.#seat?.leave();
  }

  heard(): void {
    this.#heardAtMs = this.#edge.deps.clock.now();
  }

  drained(): void {
    this.#isBehind = (this.#ws?.getBufferedAmount() ?? 0) > 0;
  }

  send(message: Uint8Array): void {
    // 0: the system did not take all of it. A socket beyond its limit is closed by this call.
    if (this.#ws?.send(message) === 0) this.#isBehind = true;
  }

  sendTogether(messages: readonly Uint8Array[]): void {
    this.#ws?.cork(() => {
      for (const message of messages) this.send(message);
    });
  }

  isBehind(): boolean {
    return this.#isBehind;
  }

  end(why: Farewell): void {
    if (this.#ws === null) return;
    this.#live.ended(why);
    this.send(goodbyeMessage(why, this.#live.count('socket')));
    this.#ws?.end(farewells[why].code, why);
  }

  beat(nowMs: number): void {
    if (nowMs - this.#heardAtMs > silentMs) this.end('silent');
    else if (nowMs - this.#pingedAtMs >= pingEveryMs) {
      this.#pingedAtMs = nowMs;
      if (this.#edge.deps.tokens.check(this.#token) === null) this.end('unauthorized');
      else this.#ws?.ping();
    }
  }

  receive(bytes: ArrayBuffer): void {
    try {
      const fault = this.#fault();
      if (fault) this.end(fault);
      else this.#hear(clientMessage.safeParse(JSON.parse(Buffer.from(bytes).toString())).data);
    } catch {
      this.end('malformed');
    }
  }

  #fault(): Farewell | null {
    this.heard();
    const sinceMs = this.#heardAtMs - this.#spokeAtMs;
    this.#spokeAtMs = this.#heardAtMs;
    this.#budget = Math.min(budget.burst, this.#budget + (Math.max(0, sinceMs) / 1_000) * budget.perSecond) - 1;
    return this.#budget < 0 ? 'flooding' : null;
  }

  #hear(message: ClientMessage | undefined): void {
    if (!message) this.end('malformed');
    else if (message.type === 'hello') this.#introduce(message.token, message.resume ?? null);
    else if (this.#seat) this.#seat.hear(message);
    else this.end('unauthorized');
  }

  /** Also renews the token of an open socket. */
  #introduce(token: string, resume: string | null): void {
    const user = this.#edge.deps.tokens.check(token);
    if (!user) this.end('unauthorized');
    else if (this.userId !== '' && this.userId !== user.id) this.end('malformed');
    else {
      this.#token = token;
      if (this.userId === '') this.#sitDown(user.id, resume);
    }
  }
}
