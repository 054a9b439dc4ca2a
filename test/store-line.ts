/**
 * The line between a node and a store, which can be cut at the moments that matter: before a call arrived, after it was
 * done, and in the middle of its answer. It changes nothing that it carries.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type Cut = 'before' | 'after' | 'middle';

export interface StoreLine {
  /** The store's address, by way of this line. */
  readonly url: string;
  /** Cuts the connection on which the next call comes that contains `mark`; resolves when it is cut. */
  cutNext(mark: string, when: Cut): Promise<void>;
  close(): Promise<void>;
}

interface Order {
  readonly mark: string;
  readonly when: Cut;
  readonly done: () => void;
}

export async function openStoreLine(storeUrl: string): Promise<StoreLine> {
  const store = new URL(storeUrl);
  const sockets = new Set<Socket>();
  let order: Order | null = null;

  const server = createServer((client) => {
    const upstream = connect(Number(store.port), store.hostname);
    /** Set while the answer of a call is awaited that will not arrive whole. */
    let cutting: Order | null = null;
    const hangUp = () => {
      client.destroy();
      upstream.destroy();
    };
    const cut = (which: Order) => {
      hangUp();
      which.done();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', hangUp);
      socket.on('close', () => {
        sockets.delete(socket);
        hangUp();
      });
    }
    client.on('data', (chunk) => {
      const met = order && chunk.includes(order.mark) ? order : null;
      if (met) order = null;
      if (met?.when === 'before') {
        cut(met);
        return;
      }
      cutting ??= met;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (!cutting) client.write(chunk);
      else if (cutting.when === 'after') cut(cutting);
      else {
        const met = cutting;
        client.write(chunk.subarray(0, chunk.length >> 1), () => cut(met));
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const url = new URL(storeUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    cutNext: (mark, when) =>
      new Promise((done) => {
        order = { mark, when, done };
      }),
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
