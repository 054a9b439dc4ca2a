/**
 * The line between a node and the payment sandbox, on which answers get lost: the provider has done its work, and the
 * node never hears of it. It changes nothing that it carries.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ProviderLine {
  readonly url: string;
  /** How many calls of this method and path arrived. */
  calls(method: string, path: RegExp): number;
  /** Cuts the line instead of delivering the answers to the next `times` calls. Resolves when that has happened. */
  cutAnswers(path: RegExp, times: number): Promise<void>;
  /** Keeps the answer to the next call for itself: the caller hears neither it nor an end. Resolves when it is kept. */
  keepAnswer(path: RegExp): Promise<void>;
  close(): Promise<void>;
}

interface Interference {
  readonly path: RegExp;
  readonly cuts: boolean;
  readonly done: () => void;
  timesLeft: number;
}

export async function openLine(providerUrl: string): Promise<ProviderLine> {
  const calls: string[] = [];
  let interferences: Interference[] = [];

  const carry = async (request: IncomingMessage, response: ServerResponse) => {
    calls.push(`${request.method} ${request.url}`);
    const answer = await forward(request, providerUrl);
    const met = interferences.find(({ path }) => path.test(request.url ?? ''));
    if (!met) {
      response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(answer.text);
      return;
    }
    if (met.cuts) request.socket.destroy();
    if (--met.timesLeft > 0) return;
    interferences = interferences.filter((each) => each !== met);
    met.done();
  };
  const server = createServer((request, response) => {
    carry(request, response).catch(() => request.socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const interfere = (path: RegExp, cuts: boolean, timesLeft: number) =>
    new Promise<void>((done) => interferences.push({ path, cuts, timesLeft, done }));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: (method, path) =>
      calls.filter((call) => call.startsWith(`${method} `) && path.test(call.slice(method.length + 1))).length,
    cutAnswers: (path, times) => interfere(path, true, times),
    keepAnswer: (path) => interfere(path, false, 1),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function forward(request: IncomingMessage, providerUrl: string): Promise<{ status: number; text: string }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method = 'GET', url = '/', headers } = request;
  const passed = ['authorization', 'content-type', 'idempotency-key', 'stripe-version'].flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value] as [string, string]] : [];
  });
  const body = method === 'GET' ? null : Buffer.concat(chunks).toString();
  const response = await fetch(`${providerUrl}${url}`, { method, headers: passed, body });
  return { status: response.status, text: await response.text() };
}
