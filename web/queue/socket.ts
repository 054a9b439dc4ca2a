/** Following a waiting room over a WebSocket. */
import type { OpenLine } from './line.ts';

/** As browsers have it, and the `ws` package for Node. */
export interface SocketMaker {
  new (address: string, protocols: string[]): BrowserSocket;
}

interface BrowserSocket {
  readonly readyState: number;
  addEventListener(
    type: 'open' | 'message' | 'close' | 'error',
    act: (event: { type: string; data?: unknown }) => void,
  ): void;
  send(text: string): void;
  close(): void;
}

const open = 1;

/** Why the handshake failed is not told to scripts: whoever wants to know asks over HTTP. */
export function overSocket(WebSocket: SocketMaker): OpenLine {
  return ({ origin, eventId, token, resume, availability }, listener) => {
    const protocols = ['onsale.v1', `bearer.${token}`, ...(resume === null ? [] : [`resume.${resume}`])];
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/api/v1/ws?event_id=${eventId}`, protocols);
    let isClosedByUs = false;
    if (availability) socket.addEventListener('open', () => socket.send('{"type":"subscribe_availability"}'));
    socket.addEventListener('message', ({ data }) => {
      if (!isClosedByUs) listener.hear(JSON.parse(String(data)));
    });
    socket.addEventListener('close', () => {
      if (!isClosedByUs) listener.ended({});
    });
    socket.addEventListener('error', () => {}); // a close follows
    return {
      ask() {
        if (socket.readyState === open) socket.send('{"type":"position"}');
      },
      close() {
        isClosedByUs = true;
        socket.close();
      },
    };
  };
}
