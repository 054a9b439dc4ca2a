/** The demo as `npm start` runs it, with nothing configured: the README's example buys, and a kill −9 loses nothing. */
import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { freePorts } from '../../persistence/embedded/ports.ts';
import { type BookingShown, type Buyer, buyerWith } from '../buyer.ts';
import { type NodeProcess, runOnsale, spawnNode } from '../node-process.ts';
import { payWithCard } from '../sandbox-buyer.ts';

let node: NodeProcess;
let sandboxUrl: string;
let environment: Record<string, string>;

beforeAll(async () => {
  const [sandboxPort] = await freePorts(1);
  sandboxUrl = `http://127.0.0.1:${sandboxPort}`;
  environment = {
    PORT: '0',
    // On another free port it is the same node all the same, and need not be missed first.
    NODE_ID: 'demo',
    SANDBOX_PORT: String(sandboxPort),
    ONSALE_DATA_DIR: join(inject('storesFolder'), `demo-${randomUUID()}`),
    RATE_LIMIT: 'off',
    BCRYPT_COST: '4',
  };
  node = await spawnNode(environment);
});
afterAll(() => node.stop());

async function logIn(email: string): Promise<Buyer> {
  const nobody = buyerWith(() => node.url, { userId: '', token: '' });
  const { data } = await nobody.post<{ access_token: string; user: { id: string } }>('/auth/login', {
    email,
    password: 'Demo-1234!',
  });
  return buyerWith(() => node.url, { userId: data.user.id, token: data.access_token });
}

/** The id of the first zone of an event on sale. */
async function orderOf(buyer: Buyer, slug: string) {
  const { data: event } = await buyer.ask<{ id: string }>(`/events/${slug}`);
  const { data: shows } = await buyer.ask<{ id: string }[]>(`/events/${slug}/shows`);
  const { data: zones } = await buyer.ask<{ id: string; name: string }[]>(`/shows/${shows[0]?.id}/zones`);
  expect(zones.map(({ name }) => name)).toEqual(['VIP', 'A', 'B', 'S']);
  return { event_id: event.id, zone_id: zones[0]?.id ?? '', quantity: 2 };
}

function hasCurl(): boolean {
  try {
    execFileSync('curl', ['--version']);
    return true;
  } catch {
    console.log('skipped: the example of the README, for there is no curl here');
    return false;
  }
}

it.skipIf(!hasCurl())('sells by the example of the README', async () => {
  const script = join(import.meta.dirname, '..', '..', 'docs', 'examples', 'buy-a-ticket.sh');
  const { stdout } = await promisify(execFile)('sh', [script, node.url, sandboxUrl]);
  expect(stdout).toMatch(/"status":"confirmed".*"qr":"ey/s);
});

it('goes on with the same data after kill -9, which left its stores running', async () => {
  const buyer = await logIn('buyer2@demo.test');
  const order = await orderOf(buyer, 'demo-open');
  const key = randomUUID();
  const held = await buyer.reserve(order, key);
  const { client_secret } = (await buyer.pay(held.data.booking_id)).data;
  await payWithCard(sandboxUrl, client_secret, '4242424242424242');
  await node.kill();
  node = await spawnNode(environment);
  expect((await buyer.reserve(order, key)).text).toBe(held.text);
  await buyer.sees(held.data.booking_id, 'confirmed');
  const { data } = await (await logIn('buyer2@demo.test')).ask<BookingShown[]>('/bookings');
  expect(data.map(({ booking_id }) => booking_id)).toEqual([held.data.booking_id]);
});

it('has an organizer and an admin', async () => {
  for (const [email, role] of [
    ['organizer@demo.test', 'organizer'],
    ['admin@demo.test', 'admin'],
  ] as const) {
    const { data } = await (await logIn(email)).ask<{ role: string }>('/auth/me');
    expect(data.role).toBe(role);
  }
});

it('goes on when a second one finds its sandbox port taken, and when a command on its stores ends', async () => {
  await expect(spawnNode(environment)).rejects.toThrow(/ended with 1: .*SANDBOX_PORT \d+ is taken/s);
  expect(await runOnsale(['sync-inventory'], environment)).toMatchObject({ code: 0 });
  expect((await fetch(`${node.url}/ready`)).status).toBe(200);
});
