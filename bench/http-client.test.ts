/** What the client must do when nobody answers, or somebody answers "not now": send the same again, and say so. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createHttpClient, type HttpClient, NobodyDecides } from './http-client.ts';

let server: Server;
let http: HttpClient;
let url: string;
let seen: { body: string; key: string | undefined }[];
let observed: (number | null)[];

/** Each request is answered by the next of `answers`; the last one stays. */
async function start(
  patienceMs: number,
  ...answers: ((response: ServerResponse, request: IncomingMessage) => void)[]
): Promise<void> {
  seen = [];
  observed = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({ body: Buffer.concat(chunks).toString(), key: request.headers['idempotency-key'] as string });
      (answers.length > 1 ? answers.shift() : answers[0])?.(response, request);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  http = createHttpClient({
    connectionsMax: 4,
    timeoutMs: 2_000,
    patienceMs,
    observe: (_call, status) => void observed.push(status),
  });
}

afterEach(() => {
  http.close();
  server.closeAllConnections();
  server.close();
});

const ok = (response: ServerResponse) => void response.end('{"ok":true}');
const notNow = (response: ServerResponse) => void response.writeHead(503, { 'retry-after': '0' }).end();
const hangUp = (response: ServerResponse) => void response.destroy();
const half = (response: ServerResponse) => {
  response.writeHead(201, { 'content-length': 100 });
  response.write('{"ok"', () => response.destroy());
};
const ask = () => ({ call: 'c', method: 'POST', url, headers: { 'idempotency-key': 'k' }, body: 'b' }) as const;

it('sends the same again until there is a decision', async () => {
  await start(20_000, notNow, hangUp, half, ok);
  const answer = await http.insist(ask());
  expect(answer).toMatchObject({ status: 200, body: { ok: true } });
  expect(seen).toEqual(Array.from({ length: 4 }, () => ({ body: 'b', key: 'k' })));
  expect(observed).toEqual([503, null, null, 200]);
});

it('takes a refusal for a decision', async () => {
  await start(20_000, (response) => void response.writeHead(409).end('{}'));
  expect((await http.insist(ask())).status).toBe(409);
  expect(seen).toHaveLength(1);
});

it('gives up when nobody decides in time', async () => {
  await start(200, notNow);
  await expect(http.insist(ask())).rejects.toThrow(NobodyDecides);
});

it('does not send a single request twice', async () => {
  await start(20_000, hangUp);
  await expect(http.send(ask())).rejects.toThrow();
  expect(seen).toHaveLength(1);
});
