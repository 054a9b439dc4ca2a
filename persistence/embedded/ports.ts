/** Free TCP ports, of the loopback interface unless a host is named. Free now: somebody else may take one in the next moment. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

/** Different ports, since all are held until the last is found. */
export async function freePorts(count: number): Promise<number[]> {
  const holders = await Promise.all(Array.from({ length: count }, () => hold(0)));
  const ports = holders.map((holder) => (holder.address() as AddressInfo).port);
  await Promise.all(holders.map(release));
  return ports;
}

/** Also false when somebody listens there who would share the port. Rejects when `host` is no address of this machine. */
export async function isFree(port: number, host = loopback): Promise<boolean> {
  try {
    await release(await hold(port, host));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
    throw error;
  }
}

const loopback = '127.0.0.1';

async function hold(port: number, host = loopback): Promise<Server> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  return server;
}

async function release(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
