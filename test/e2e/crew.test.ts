/** `onsale serve --nodes 2` with nothing configured: two processes on one port, on the stores and the sandbox of a third. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { freePorts } from '../../persistence/embedded/ports.ts';
import { buyerWith, eventually } from '../buyer.ts';
import { type NodeProcess, spawnNode } from '../node-process.ts';
import { payWithCard } from '../sandbox-buyer.ts';

let crew: NodeProcess;
let sandboxUrl: string;

beforeAll(async () => {
  const [port, sandboxPort] = await freePorts(2);
  sandboxUrl = `http://127.0.0.1:${sandboxPort}`;
  const settings = { PORT: String(port), SANDBOX_PORT: String(sandboxPort), NODE_ID: 'crew' };
  const dataDir = join(inject('storesFolder'), `crew-${randomUUID()}`);
  crew = await spawnNode({ ...settings, ONSALE_DATA_DIR: dataDir, RATE_LIMIT: 'off', BCRYPT_COST: '4' }, [
    '--nodes',
    '2',
  ]);
});
// The private stores outlive it, and end with the run.
afterAll(() => crew.kill());

async function logIn(email: string) {
  const nobody = buyerWith(() => crew.url, { userId: '', token: '' });
  const asked = { email, password: 'Demo-1234!' };
  const { data } = await nobody.post<{ access_token: string; user: { id: string } }>('/auth/login', asked);
  return buyerWith(() => crew.url, { userId: data.user.id, token: data.access_token });
}

it('serves one port with both', async () => {
  const { token } = await logIn('admin@demo.test');
  const answering = new Set<string>();
  await eventually(async () => {
    // A connection of its own each time: the system gives each to one of the two.
    const headers = { authorization: `Bearer ${token}`, connection: 'close' };
    const answer = await fetch(`${crew.url}/api/v1/admin/cluster`, { headers });
    const { data } = (await answer.json()) as { data: { node_id: string; nodes: { node_id: string }[] } };
    expect(data.nodes.map(({ node_id }) => node_id)).toEqual(['crew.1', 'crew.2']);
    answering.add(data.node_id);
    expect(answering.size).toBe(2);
  });
});

it('sells a ticket through whichever is asked', async () => {
  const buyer = await logIn('buyer1@demo.test');
  const { data: event } = await buyer.ask<{ id: string }>('/events/demo-open');
  const { data: shows } = await buyer.ask<{ id: string }[]>('/events/demo-open/shows');
  const { data: zones } = await buyer.ask<{ id: string }[]>(`/shows/${shows[0]?.id}/zones`);
  for (const { id } of zones.slice(0, 3)) {
    // A node that has just joined may be away for a moment: 503 says to ask again.
    const bookingId = await eventually(() => buyer.hold({ event_id: event.id, zone_id: id, quantity: 1 }));
    const { client_secret } = (await buyer.pay(bookingId)).data;
    await payWithCard(sandboxUrl, client_secret, '4242424242424242');
    await buyer.sees(bookingId, 'confirmed');
  }
});

it('ends with the process that started it, however that ended', async () => {
  await crew.kill();
  // Each has handed over and let go of the port.
  await eventually(() => expect(fetch(`${crew.url}/health`)).rejects.toThrow('fetch failed'));
});
