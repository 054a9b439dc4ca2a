/** Somebody who follows a waiting room over a WebSocket, and keeps what they were told. */
import { WebSocket } from 'ws';

export interface Told {
  readonly type: string;
  readonly seq: number;
  readonly [field: string]: unknown;
}

export interface LiveVisitor {
  readonly socket: WebSocket;
  readonly told: readonly Told[];
  say(message: object | string): void;
  /** The first message of this type, from those that nobody has taken yet. */
  hears(type: string, fits?: (message: Told) => boolean): Promise<Told>;
  /** Resolves with the close code. */
  readonly ended: Promise<number>;
  leave(): void;
}

interface Coming {
  readonly url: string;
  readonly eventId: string;
  /** Absent: it will be said later, by a hello. */
  readonly token?: string;
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** False: pings stay unanswered, as those to a machine that was switched off. @default true */
  readonly answersPings?: boolean;
}

/** Rejects with the status when the handshake is refused. */
export async function visitLive(coming: Coming): Promise<LiveVisitor> {
  const { url, eventId, token, protocols = ['onsale.v1'], headers = {}, answersPings = true } = coming;
  const offers = token === undefined ? protocols : [...protocols, `bearer.${token}`];
  const address = `${url.replace('http', 'ws')}/api/v1/ws?event_id=${eventId}`;
  const socket = new WebSocket(address, [...offers], { headers, autoPong: answersPings, perMessageDeflate: false });
  // Each wait for a message also waits for the end.
  socket.setMaxListeners(0);
  const told: Told[] = [];
  const taken = new Set<Told>();
  let look = () => {};
  socket.on('message', (bytes) => {
    told.push(JSON.parse(String(bytes)));
    look();
  });
  const ended = new Promise<number>((resolve) => socket.on('close', (code) => resolve(code)));
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('unexpected-response', (_request, response) => reject(new Error(`refused: ${response.statusCode}`)));
    socket.on('error', reject);
  });
  return {
    socket,
    told,
    say: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    hears: (type, fits = () => true) =>
      new Promise((resolve, reject) => {
        look = () => {
          const found = told.find((one) => one.type === type && !taken.has(one) && fits(one));
          if (!found) return;
          taken.add(found);
          look = () => {};
          resolve(found);
        };
        socket.once('close', (code) => reject(new Error(`closed with ${code} before ${type}`)));
        look();
      }),
    ended,
    leave: () => socket.close(),
  };
}

/** The same over server-sent events: rejects with the status when it is refused. */
export async function streamLive({
  url,
  eventId,
  token,
  query = '',
}: Coming & { readonly token: string; readonly query?: string }) {
  const ending = new AbortController();
  const answer = await fetch(`${url}/api/v1/queue/position/${eventId}/stream${query}`, {
    headers: { Authorization: `Bearer ${token}` },
    signal: ending.signal,
  });
  if (!answer.ok || !answer.body) throw new Error(`refused: ${answer.status}`);
  const told: Told[] = [];
  const reading = (async () => {
    let text = '';
    for await (const bytes of answer.body as AsyncIterable<Uint8Array>) {
      const lines = (text + Buffer.from(bytes).toString()).split('\n\n');
      text = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('data: ')) told.push(JSON.parse(line.slice(6)));
    }
  })();
  return { told, ended: reading.catch(() => {}), leave: () => ending.abort() };
}
