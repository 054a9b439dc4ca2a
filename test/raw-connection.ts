/** A TCP connection that sends exactly the bytes it is told, for requests that no HTTP client would make. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export class RawConnection {
  private readonly socket: Socket;
  private received = '';

  static async open(port: number): Promise<RawConnection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => {
      this.received += bytes.toString('latin1');
    });
    // A server that closes while we still write resets the connection; what it sent before is what counts.
    socket.on('error', () => {});
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes, 'latin1');
  }

  /** Writes, and resolves when the system has taken the bytes, so that the next ones make a segment of their own. */
  async flush(bytes: string): Promise<void> {
    await new Promise<void>((resolve) => this.socket.write(bytes, 'latin1', () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** What came so far, when it has at least a whole head. */
  async answer(): Promise<string> {
    while (!this.received.includes('\r\n\r\n') && !this.socket.closed) {
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    }
    return this.received;
  }

  /** All that comes until the server closes. */
  async everything(): Promise<string> {
    if (!this.socket.closed) await once(this.socket, 'close');
    return this.received;
  }

  close(): void {
    this.socket.destroy();
  }
}
