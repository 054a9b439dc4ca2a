/** A ticket, bought through all the pages, on a phone and on a desk. */
import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Demo, findChromium, newVisitor, openDemo, type Width } from './visitor.ts';

const chromium = findChromium();
if (!chromium) console.log('skipped: the pages in a browser, for there is no Chromium on the PATH');
let demo: Demo;

beforeAll(async () => {
  if (chromium) demo = await openDemo(chromium);
});
afterAll(() => demo?.close());

const cards = { pays: '4242', declined: '0002', challenged: '3155' } as const;

async function payWith(page: Page, card: keyof typeof cards): Promise<void> {
  await page.getByRole('button', { name: cards[card] }).click();
  await page.getByRole('button', { name: /^Pay / }).click();
}

async function holdOne(page: Page): Promise<string> {
  await page.goto('/events/demo-open');
  await page.getByRole('button', { name: 'Hold 1 ticket' }).click();
  await page.getByRole('timer').waitFor();
  return page.url();
}

/** Minutes and seconds, as seconds. */
async function secondsLeft(page: Page): Promise<number> {
  const [minutes = 0, seconds = 0] = ((await page.getByRole('timer').textContent()) ?? '').split(':').map(Number);
  return minutes * 60 + seconds;
}

/** Seats of the demo that somebody holds. */
async function heldSeats(): Promise<number> {
  const ask = async <T>(path: string): Promise<T> => {
    const body = (await (await fetch(`${demo.url}/api/v1${path}`)).json()) as { data: T };
    return body.data;
  };
  const [show] = await ask<{ id: string }[]>('/events/demo-open/shows');
  const zones = await ask<{ held: number }[]>(`/shows/${show?.id}/zones`);
  return zones.reduce((sum, zone) => sum + zone.held, 0);
}

/** What a screen reader would say of the thing that has the focus, roughly. */
const focusedWords = `(({ activeElement: at }) =>
  at.getAttribute('aria-label') ?? [at.textContent, ...[...(at.labels ?? [])].map((label) => label.textContent)].join(' ').trim()
)(document)`;

describe.skipIf(!chromium)('buying', () => {
  it('says that there is no such page, whatever is wrong with the address', async () => {
    const visitor = await newVisitor(demo);
    await visitor.logIn('buyer1@demo.test');
    for (const path of ['/events/nope', '/events/%E0%A4%A', '/bookings/abc', `/bookings/${randomUUID()}`]) {
      await visitor.page.goto(path);
      await visitor.page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    }
    await visitor.close();
  });

  it.each([
    ['phone', false, 'buyer1'],
    ['desk', true, 'buyer2'],
  ] as const)('on a %s (dark: %s): decline, bank, ticket', async (width: Width, dark, buyer) => {
    const visitor = await newVisitor(demo, { width, dark });
    const { page } = visitor;
    await page.goto('/');
    await page.getByRole('link', { name: 'Open Air by the River' }).waitFor();
    await visitor.inspect('1-events');

    await page.getByRole('link', { name: 'Open Air by the River' }).click();
    await page.getByRole('radio', { name: /^A / }).check();
    await page.getByRole('button', { name: 'One ticket more' }).click();
    await visitor.inspect('2-event');

    await page.getByRole('button', { name: 'Log in to buy' }).click();
    await page.getByLabel('E-mail').fill(`${buyer}@demo.test`);
    await page.getByLabel('Password').fill('not this one');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('E-mail or password is wrong.').waitFor();
    await visitor.inspect('3-login');
    await page.getByLabel('Password').fill('Demo-1234!');
    await page.getByRole('button', { name: 'Log in' }).click();

    // What was chosen before logging in is still chosen.
    await page.getByRole('button', { name: 'Hold 2 tickets' }).click();
    await page.getByRole('link', { name: 'Open Air by the River' }).waitFor();
    expect(await page.getByRole('radio').count()).toBe(0);
    await visitor.inspect('4-hold');

    await payWith(page, 'declined');
    await page.getByText('The card was declined. Nothing was charged.').waitFor();
    await visitor.inspect('5-declined');

    await payWith(page, 'challenged');
    await page.getByRole('button', { name: 'Refuse' }).click();
    await page.getByText('not approved at your bank').waitFor();
    expect(page.url()).not.toContain('secret');
    await payWith(page, 'challenged');
    await page.getByRole('button', { name: 'Approve' }).click();

    await page.getByRole('img', { name: 'QR code of ticket 2' }).locator('svg').waitFor();
    await page.getByRole('img', { name: 'QR code of ticket 1' }).locator('svg').waitFor();
    expect(await page.title()).toContain("It's yours");
    await visitor.inspect('6-ticket');

    await page.getByRole('link', { name: 'My bookings' }).click();
    await page.getByText('Confirmed').waitFor();
    await page.getByRole('link', { name: 'Open Air by the River' }).waitFor();
    await visitor.inspect('7-bookings');
    await page.getByRole('link', { name: 'My tickets' }).click();
    await page.getByRole('img', { name: 'QR code of ticket 2' }).locator('svg').waitFor();
    await visitor.inspect('8-tickets');
    await visitor.close();
  });

  it('by keyboard alone', async () => {
    const visitor = await newVisitor(demo);
    await visitor.logIn('buyer3@demo.test');
    const { page } = visitor;
    const press = async (key: string, times = 1) => {
      for (let n = 0; n < times; n++) await page.keyboard.press(key);
    };
    /** Walks on with Tab until the thing of this name has the focus; fails when it has gone all round. */
    const tabTo = async (name: RegExp) => {
      for (let steps = 0; steps < 40; steps++) {
        await press('Tab');
        if (name.test(await page.evaluate<string>(focusedWords))) return;
      }
      expect.fail(`no Tab led to ${name}`);
    };
    await page.goto('/');
    await page.getByRole('link', { name: 'Open Air by the River' }).waitFor();
    await press('Tab');
    await press('Enter'); // the link that skips the header
    await tabTo(/^Open Air/);
    await press('Enter');
    await page.getByRole('radio', { name: /^VIP/ }).waitFor();
    await tabTo(/VIP/);
    await press('ArrowDown', 2);
    await tabTo(/^One ticket more/);
    await press('Space', 2);
    await tabTo(/^Hold 3 tickets/);
    await press('Enter');
    await page.getByRole('timer').waitFor();
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
    await tabTo(/^Card number/);
    await page.keyboard.type('4242424242424242');
    await press('Enter');
    await page.getByRole('img', { name: 'QR code of ticket 3' }).locator('svg').waitFor();
    await visitor.close();
  });

  it('goes on after a reload and in a second tab, where it was', async () => {
    const visitor = await newVisitor(demo);
    await visitor.logIn('buyer4@demo.test');
    const { page } = visitor;
    const address = await holdOne(page);
    const before = await secondsLeft(page);
    await page.reload();
    await page.getByRole('timer').waitFor();
    expect(await secondsLeft(page)).toBeLessThanOrEqual(before);
    const second = await visitor.newTab();
    await second.page.goto(address);
    await payWith(second.page, 'pays');
    await second.page.getByRole('img', { name: 'QR code of ticket 1' }).waitFor();
    await page.reload();
    await page.getByRole('img', { name: 'QR code of ticket 1' }).waitFor();
    await visitor.close();
  });

  it('counts down by the shop’s clock, whatever the device shows', async () => {
    const visitor = await newVisitor(demo);
    await visitor.logIn('buyer5@demo.test');
    const { page } = visitor;
    await page.addInitScript(() => {
      const now = Date.now;
      Date.now = () => now() + 86_400_000;
    });
    await holdOne(page);
    expect(await secondsLeft(page)).toBeGreaterThan(590);
    await page.getByRole('button', { name: 'Give the tickets back' }).click();
    await page.getByRole('heading', { name: 'Given back' }).waitFor();
    await visitor.close();
  });

  it('holds once when the answer gets lost', async () => {
    const visitor = await newVisitor(demo);
    await visitor.logIn('buyer6@demo.test');
    const { page } = visitor;
    const keys: (string | undefined)[] = [];
    await page.route('**/bookings/reserve', async (route) => {
      keys.push(route.request().headers()['idempotency-key']);
      if (keys.length > 1) return route.continue();
      await route.fetch(); // it arrives and is done …
      await route.abort(); // … and nobody hears of it
    });
    // What is told of zones is up to a second old: the seat that the buyer before gave back may be among the held ones still.
    await expect.poll(heldSeats).toBe(0);
    await page.goto('/events/demo-open');
    await page.getByRole('button', { name: 'Hold 1 ticket' }).click();
    await page.getByText('The shop does not answer.').waitFor();
    await page.getByRole('timer').waitFor();
    expect(keys).toEqual([keys[0], keys[0]]);
    await expect.poll(heldSeats).toBe(1);
    expect(await page.getByText('The shop does not answer.').count()).toBe(0);
    await visitor.close();
  });

  it('waits as long as a busy shop asks for, says so, and goes on', async () => {
    const visitor = await newVisitor(demo);
    await visitor.logIn('buyer7@demo.test');
    const { page } = visitor;
    let asked = 0;
    await page.route('**/bookings/reserve', (route) => {
      asked += 1;
      if (asked > 1) return route.continue();
      const error = { code: 'SERVICE_UNAVAILABLE', message: '', details: {} };
      return route.fulfill({ status: 503, headers: { 'Retry-After': '1' }, json: { success: false, error } });
    });
    await page.goto('/events/demo-open');
    await page.getByRole('button', { name: 'Hold 1 ticket' }).click();
    await page.getByText('The shop is very busy.').waitFor();
    await page.getByRole('timer').waitFor();
    expect(asked).toBe(2);
    await visitor.close();
  });

  it.each([
    ['th-TH', 'งานที่กำลังจะมาถึง', '฿3,000'],
    ['vi-VN', 'Sắp diễn ra', '3.000'],
  ])('speaks %s', async (locale, title, price) => {
    const visitor = await newVisitor(demo, { width: 'phone', locale });
    const { page } = visitor;
    await page.goto('/');
    await page.getByRole('heading', { name: title }).waitFor();
    await page.getByRole('link', { name: 'Open Air by the River' }).click();
    await page.getByText(price).first().waitFor();
    expect(await page.evaluate('document.documentElement.lang')).toBe(locale.slice(0, 2));
    await visitor.inspect(`9-event-${locale}`);
    await visitor.close();
  });
});
