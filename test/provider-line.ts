/**
 * The line between a node and the payment sandbox, on which answers get lost: the provider has done its work, and the
 * node never hears of it. It changes nothing that it carries.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ProviderLine {
  readonly url: string;
  /** Cuts the line instead of delivering the answers to the next `times` calls; resolves with what they were. */
  cutAnswers(path: RegExp, times: number): Promise<readonly string[]>;
  /** Keeps the answer to the next call: the caller hears nothing until the line is cut, or the answer let through. */
  keepAnswer(path: RegExp): Promise<{ readonly text: string } & Ends>;
  /** Answers 500 to the first `times` calls of each idempotency key, when their work is done. */
  failFirst(times: number): void;
  /** Lets every answer through again. */
  heal(): void;
  close(): Promise<void>;
}

interface Ends {
  cut(): void;
  letThrough(): void;
}

/** Told of an answer to a call that it was waiting for. True: it is done, and the next call is not its business. */
interface Interference {
  readonly path: RegExp;
  readonly take: (text: string, ends: Ends) => boolean;
}

export async function openLine(providerUrl: string): Promise<ProviderLine> {
  let interferences: Interference[] = [];
  let failuresMax = 0;
  const failures = new Map<string, number>();
  const fails = (key: unknown): boolean => {
    if (typeof key !== 'string') return false;
    const before = failures.get(key) ?? 0;
    failures.set(key, before + 1);
    return before < failuresMax;
  };
  const carry = async (request: IncomingMessage, response: ServerResponse) => {
    const answer = await forward(request, providerUrl);
    if (fails(request.headers['idempotency-key'])) return void response.writeHead(500).end('{}');
    const met = interferences.find(({ path }) => path.test(request.url ?? ''));
    const letThrough = () =>
      void response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(answer.text);
    if (!met) letThrough();
    else if (met.take(answer.text, { letThrough, cut: () => void request.socket.destroy() }))
      interferences = interferences.filter((each) => each !== met);
  };
  const server = createServer((request, response) => {
    carry(request, response).catch(() => request.socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutAnswers: (path, times) =>
      new Promise((resolve) => {
        const lost: string[] = [];
        const take: Interference['take'] = (text, { cut }) => {
          cut();
          if (lost.push(text) < times) return false;
          resolve(lost);
          return true;
        };
        interferences.push({ path, take });
      }),
    keepAnswer: (path) =>
      new Promise((resolve) => {
        const take: Interference['take'] = (text, ends) => {
          resolve({ text, ...ends });
          return true;
        };
        interferences.push({ path, take });
      }),
    failFirst(times) {
      failuresMax = times;
      failures.clear();
    },
    heal() {
      interferences = [];
      failuresMax = 0;
    },
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
  const names = ['authorization', 'content-type', 'idempotency-key', 'stripe-version', 'x-client-id', 'x-api-key'];
  const passed = names.flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value] as [string, string]] : [];
  });
  const body = method === 'GET' ? null : Buffer.concat(chunks).toString();
  const response = await fetch(`${providerUrl}${url}`, { method, headers: passed, body });
  return { status: response.status, text: await response.text() };
}
