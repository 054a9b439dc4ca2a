/** Buying behind a waiting room in which a hundred others stand. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signAccessToken } from '../../http/auth.ts';
import { type Buyer, buyerWith } from '../buyer.ts';
import { type Demo, findChromium, newVisitor, openDemo, type Visitor, type Width } from './visitor.ts';

const chromium = findChromium();
if (!chromium) console.log('skipped: the waiting room in a browser, for there is no Chromium on the PATH');

const JWT_SECRET = 'a secret of a browser test, long enough for HS256';
let demo: Demo;
let eventId: string;
let admin: Buyer;

beforeAll(async () => {
  if (!chromium) return;
  demo = await openDemo(chromium, { JWT_SECRET });
  admin = await somebody('admin');
  eventId = (await admin.ask<{ id: string }>('/events/demo-rush')).data.id;
});
beforeEach(() => chromium && configure({ mode: 'paused', max_concurrent: 100 }));
afterAll(() => demo?.close());

/** Somebody with a token, who never opens a page. */
async function somebody(role: 'user' | 'admin' = 'user'): Promise<Buyer> {
  const user = { id: randomUUID(), role, tokenId: randomUUID() };
  const token = await signAccessToken(JWT_SECRET, user, { nowMs: Date.now(), ttlSeconds: 900 });
  return buyerWith(() => demo.url, { userId: user.id, token });
}

async function configure(terms: object): Promise<void> {
  const headers = { 'Content-Type': 'application/json' };
  const answer = await admin.ask(`/admin/queue/${eventId}`, { method: 'PUT', headers, body: JSON.stringify(terms) });
  expect(answer.status, answer.text).toBe(200);
}

/** A hundred people who are there before: in the order in which they came. */
async function rivals(): Promise<readonly Buyer[]> {
  const crowd = await Promise.all(Array.from({ length: 100 }, () => somebody()));
  for (const one of crowd) expect((await one.post('/queue/join', { event_id: eventId })).status).toBe(201);
  return crowd;
}

async function giveUp(crowd: readonly Buyer[]): Promise<void> {
  for (const one of crowd) await one.post('/queue/leave', { event_id: eventId });
}

async function place(visitor: Visitor): Promise<number> {
  return Number(await visitor.page.locator('.standing-place strong').textContent());
}

describe.skipIf(!chromium)('waiting', () => {
  it.each([
    ['phone', false, 'buyer1'],
    ['desk', true, 'buyer2'],
  ] as const)(
    'on a %s (dark: %s) among a hundred others, until it is one’s turn',
    async (width: Width, dark, buyer) => {
      const crowd = await rivals();
      const visitor = await newVisitor(demo, { width, dark });
      await visitor.logIn(`${buyer}@demo.test`);
      const { page } = visitor;
      await page.goto('/events/demo-rush');
      await page.getByRole('link', { name: 'Join the waiting room' }).click();
      await page.getByText('100 people ahead of you').first().waitFor();
      await page.getByText('The line is paused').waitFor();
      expect(await place(visitor)).toBe(101);

      await page.reload();
      const second = await visitor.newTab();
      await second.page.goto('/events/demo-rush/waiting-room');
      for (const tab of [visitor, second]) {
        await tab.page.getByText('100 people ahead of you').first().waitFor();
        expect(await place(tab)).toBe(101);
      }
      await second.page.close();

      await giveUp(crowd.slice(0, 25));
      await page.getByText('75 people ahead of you').first().waitFor();
      await configure({ mode: 'open', max_concurrent: 10 });
      await page.getByText('65 people ahead of you').first().waitFor();
      expect(await page.getByText('The line is paused').count()).toBe(0);
      await visitor.inspect('10-waiting-room');

      await giveUp(crowd);
      await page.getByText('It is your turn. Choose within').waitFor();
      expect(page.url()).toBe(`${demo.url}/events/demo-rush`);
      await visitor.inspect('11-turn');
      await page.reload();
      await page.getByRole('button', { name: 'Hold 1 ticket' }).click();
      await page.getByRole('button', { name: '4242' }).click();
      await page.getByRole('button', { name: /^Pay / }).click();
      await page.getByRole('img', { name: 'QR code of ticket 1' }).locator('svg').waitFor();
      await visitor.close();
    },
  );

  it('can be given up, and begun again at the end', async () => {
    const visitor = await newVisitor(demo);
    await visitor.logIn('buyer3@demo.test');
    const { page } = visitor;
    await page.goto('/events/demo-rush/waiting-room');
    await page.getByText('You are next').first().waitFor();
    await page.getByRole('button', { name: 'Leave the waiting room' }).click();
    await page.getByText('You have left the waiting room.').waitFor();
    const rival = await somebody();
    await rival.post('/queue/join', { event_id: eventId });
    await page.getByRole('button', { name: 'Join again' }).click();
    await page.getByText('1 person ahead of you').first().waitFor();
    await giveUp([rival]);
    await page.getByRole('button', { name: 'Leave the waiting room' }).click();
    await page.getByText('You have left the waiting room.').waitFor();
    await visitor.close();
  });

  it('that is given up in one tab is given up in all, and none begins again by itself', async () => {
    const first = await newVisitor(demo);
    await first.logIn('buyer6@demo.test');
    const second = await first.newTab();
    for (const { page } of [first, second]) {
      await page.goto('/events/demo-rush/waiting-room');
      await page.getByText('You are next').first().waitFor();
    }
    await second.page.getByRole('button', { name: 'Leave the waiting room' }).click();
    for (const { page } of [first, second]) await page.getByText('You have left the waiting room.').waitFor();
    const status = await admin.ask<{ waiting: number }>(`/queue/status?event_id=${eventId}`);
    expect(status.data.waiting).toBe(0);
    await first.close();
  });

  it('is told at once that everything is sold', async () => {
    const visitor = await newVisitor(demo, { width: 'phone' });
    await visitor.logIn('buyer4@demo.test');
    const { page } = visitor;
    // The demo has 3 700 seats: what the room says of its stock is its own test's, what the page makes of it is ours.
    let soldOut = false;
    await page.routeWebSocket('**/api/v1/ws?*', (line) => {
      const server = line.connectToServer();
      server.onMessage((message) => {
        const told = JSON.parse(String(message));
        line.send(JSON.stringify('sold_out' in told ? { ...told, sold_out: soldOut } : told));
      });
    });
    await page.goto('/events/demo-rush/waiting-room');
    await page.getByText('You are next').first().waitFor();
    soldOut = true;
    await page.getByRole('alert').filter({ hasText: 'Sold out' }).waitFor();
    await visitor.inspect('12-sold-out');
    await visitor.close();
  });

  it('goes on by other ways when no WebSocket gets through', async () => {
    const visitor = await newVisitor(demo);
    await visitor.logIn('buyer5@demo.test');
    const { page } = visitor;
    await page.routeWebSocket('**/api/v1/ws?*', (line) => line.close());
    const streams: string[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/stream')) streams.push(request.url());
    });
    await page.goto('/events/demo-rush/waiting-room');
    await page.locator('.standing-place').waitFor();
    expect(streams.length).toBeGreaterThan(0);
    await configure({ mode: 'open' });
    await page.getByText('It is your turn. Choose within').waitFor();
    await visitor.close();
  });
});
