/**
 * The sandbox as a server: a local stand-in for Stripe that keeps its word over a restart. Owns HTTP (bodies, CORS,
 * lost answers) and the start and stop of the parts; api.ts and controls.ts decide what is answered.
 *
 * Whoever reaches the port may set faults and read what was charged, so it listens on loopback unless told otherwise.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type GatewayOptions, type Gateways, openGateways } from '../gateways/gateways.ts';
import { type Api, createApi } from './api.ts';
import { type SandboxClock, wallClock } from './clock.ts';
import { answerControl, type ControlOptions, type ControlReply } from './controls.ts';
import { createFaults, type Faults } from './faults.ts';
import { openLedger } from './ledger.ts';
import { errorObject, eventObject } from './objects.ts';
import { startCourier } from './webhooks.ts';

export interface SandboxOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Where everything is kept over a restart; null keeps it in memory. */
  readonly journalFile: string | null;
  /** What the merchant's server must send; `sk_test_…`, since the sandbox is always in test mode. */
  readonly secretKey: string;
  readonly webhookSecret: string;
  /** Where webhooks go (plain http), asked before each; null while there is no receiver, which counts as no answer. */
  readonly webhookUrl: () => string | null;
  /** The providers whose pages buyers are sent to, played beside Stripe; absent: none of them. */
  readonly gateways?: GatewayOptions;
  readonly log?: (line: string) => void;
  readonly clock?: SandboxClock;
}

export interface Sandbox {
  /** Base address, for the SDK and for people. */
  readonly url: string;
  readonly port: number;
  /** Closes every connection at once. Webhooks not yet taken go out again after the next start. */
  stop(): Promise<void>;
}

const maxBodyBytes = 64 * 1024;

/**
 * Starts the sandbox; replays the journal first.
 * @throws when the port is taken, or the journal is damaged
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { clock = wallClock, log = () => {}, host = '127.0.0.1' } = options;
  const ledger = await openLedger(options.journalFile);
  const faults = createFaults();
  let url = '';
  const baseUrl = () => url;
  const courier = startCourier({
    url: options.webhookUrl,
    secret: options.webhookSecret,
    clock,
    faults,
    bodyOf: (announcement) => JSON.stringify(eventObject(announcement, url)),
    settle: ledger.settle,
    log,
  });
  const gateways = options.gateways ? await openGateways(options.gateways, { faults, clock, baseUrl, log }) : null;
  const api = createApi({ ledger, clock, secretKey: options.secretKey, announce: courier.deliver, baseUrl });
  const faultsChanged = () => {
    log(`faults ${JSON.stringify(faults.current())}`);
    courier.releaseHeld();
  };
  const otherCharges = () => gateways?.charges() ?? [];
  const controls = { ledger, faults, settleChallenge: api.settleChallenge, faultsChanged, baseUrl, otherCharges };
  const server = createServer((request, response) => {
    answer(request, response, { api, faults, controls, gateways }).catch((error: unknown) => {
      // Not the query: it may carry a client secret.
      log(`${request.method} ${request.url?.split('?', 1)} failed: ${String(error)}`);
      if (!response.headersSent) sendJson(response, 500, errorObject(serverError, null));
    });
  });
  // Longer than clients keep an idle connection, so that none is cut while a request is on its way.
  server.keepAliveTimeout = 65_000;
  const port = await listen(server, options.port, host).catch((error: unknown) => {
    gateways?.stop();
    ledger.close();
    throw error;
  });
  // A browser cannot open 0.0.0.0, and the 3-D Secure page is for browsers.
  url = `http://${host === '0.0.0.0' ? 'localhost' : host}:${port}`;
  for (const announcement of [...ledger.unsettled()]) courier.deliver(announcement);

  return {
    url,
    port,
    async stop() {
      courier.stop();
      gateways?.stop();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      ledger.close();
    },
  };
}

interface Parts {
  readonly api: Api;
  readonly faults: Faults;
  readonly controls: ControlOptions;
  readonly gateways: Gateways | null;
}

async function answer(request: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  const { method = '', url = '/', headers } = request;
  const [path = '/', query = ''] = url.split('?', 2);
  const isApi = path.startsWith('/v1/');
  if (isApi && method === 'OPTIONS') return void response.writeHead(204, crossOrigin).end();
  const body = await readBody(request);
  if (body === null) return sendJson(response, 413, errorObject(tooLarge, null), { Connection: 'close' });
  const parameters = Object.fromEntries(new URLSearchParams(query));
  const atGateway = parts.gateways?.answer({ method, path, query: parameters, body, headers });
  if (atGateway) {
    const isForServer = method === 'POST' && typeof atGateway.body !== 'string';
    if (isForServer && parts.faults.losesAnswer()) return;
    return sendControl(response, atGateway);
  }
  if (!isApi) return sendControl(response, answerControl({ method, path, body }, parts.controls) ?? noSuchPage);
  const reply = parts.api.answer({
    method,
    path,
    parameters: method === 'GET' ? query : body,
    authorization: headers.authorization,
    idempotencyKey: single(headers['idempotency-key']),
  });
  // The work is done and written down; only the caller does not learn of it.
  if (method === 'POST' && parts.faults.losesAnswer()) return;
  sendJson(response, reply.status, reply.body, {
    ...crossOrigin,
    ...(reply.replayed ? { 'Idempotent-Replayed': 'true' } : {}),
  });
}

/** The whole body as text, or null when it is larger than any request we serve. */
function readBody(request: IncomingMessage): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBodyBytes) chunks.push(chunk);
      else resolve(null);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
    request.on('error', reject);
  });
}

/** A page that took card data runs on the merchant's origin and calls this one. */
const crossOrigin = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST',
  'Access-Control-Allow-Headers': 'authorization, content-type, idempotency-key, stripe-version',
  'Access-Control-Max-Age': '600',
};

function sendControl(response: ServerResponse, { status, body, location }: ControlReply): void {
  if (typeof body !== 'string') {
    sendJson(response, status, body);
    return;
  }
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
    'Cache-Control': 'no-store',
    // The address of a 3-D Secure page is a secret; it must not travel on to where the page leads.
    'Referrer-Policy': 'no-referrer',
    ...(location === undefined ? {} : { Location: location }),
  });
  response.end(body);
}

function sendJson(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    ...headers,
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

const serverError = { status: 500, type: 'api_error', message: 'The sandbox failed; its log says why.' } as const;
const tooLarge = { status: 413, type: 'invalid_request_error', message: 'Request too large.' } as const;
const noSuchPage: ControlReply = { status: 404, body: 'There is no such page.' };
