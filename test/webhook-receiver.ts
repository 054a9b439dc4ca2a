/** A receiver of signed webhooks: keeps what came, in order of arrival, and answers what it is told. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedWebhook {
  readonly rawBody: Buffer;
  readonly signature: string;
  /** From the unverified body, for tests to tell deliveries apart. */
  readonly eventId: string;
  readonly type: string;
  readonly intentId: string;
}

export interface WebhookReceiver {
  readonly url: string;
  readonly received: ReceivedWebhook[];
  /** HTTP status of the next answers; `null` closes the connection instead. */
  answerWith(status: number | null): void;
  stop(): Promise<void>;
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  let status: number | null = 200;
  const server = createServer((request, response) => {
    const signature = request.headers['stripe-signature'];
    // Somebody who looks for a server that had this port before us and was killed: another test runs beside this one.
    if (typeof signature !== 'string') return void response.writeHead(404).end();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const rawBody = Buffer.concat(chunks);
      const event = JSON.parse(rawBody.toString());
      const { id, payment_intent: ofCharge } = event.data.object;
      received.push({ rawBody, signature, eventId: event.id, type: event.type, intentId: ofCharge ?? id });
      if (status === null) request.socket.destroy();
      else response.writeHead(status).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/webhooks/stripe`,
    received,
    answerWith(next) {
      status = next;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
