/**
 * People with a browser before the demo: a node as `npm start` runs it, Chromium, and what a test looks at on every page: that nothing is
 * wrong for a keyboard or a screen reader, that nothing sticks out, that the browser had nothing to complain of.
 */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { expect, inject } from 'vitest';
import { freePorts } from '../../persistence/embedded/ports.ts';
import { type NodeProcess, spawnNode } from '../node-process.ts';

export const widths = { phone: { width: 360, height: 740 }, desk: { width: 1440, height: 900 } } as const;
export type Width = keyof typeof widths;

/** Where the pictures of the last run are. */
const picturesFolder = join(import.meta.dirname, '..', '..', 'bench-results', 'screenshots');

/** The path of a Chromium; null where there is none. CI sets BROWSER_REQUIRED: there it throws. */
export function findChromium(): string | null {
  const places = (process.env.PATH ?? '').split(delimiter);
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    for (const place of places) {
      const path = join(place, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // not here
      }
    }
  }
  if (process.env.BROWSER_REQUIRED) throw new Error('no Chromium on the PATH, and it is required here');
  return null;
}

export interface Demo {
  readonly url: string;
  readonly browser: Browser;
  close(): Promise<void>;
}

export async function openDemo(
  executablePath: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Demo> {
  const [sandboxPort] = await freePorts(1);
  const node: NodeProcess = await spawnNode({
    PORT: '0',
    SANDBOX_PORT: String(sandboxPort),
    ONSALE_DATA_DIR: join(inject('storesFolder'), `browser-${sandboxPort}`),
    RATE_LIMIT: 'off',
    BCRYPT_COST: '4',
    ...environment,
  });
  mkdirSync(picturesFolder, { recursive: true });
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  return {
    url: node.url,
    browser,
    async close() {
      await browser.close();
      await node.stop();
    },
  };
}

export interface Visitor {
  readonly page: Page;
  /** Another tab of the same browser. */
  newTab(): Promise<Visitor>;
  logIn(email: string): Promise<void>;
  /** Looks at the page with axe, for what sticks out, and takes a picture of it. */
  inspect(picture: string): Promise<void>;
  close(): Promise<void>;
}

interface Visit {
  readonly width?: Width;
  readonly dark?: boolean;
  readonly locale?: string;
}

/** A person who has never been here. */
export async function newVisitor(
  demo: Demo,
  { width = 'desk', dark = false, locale = 'en-US' }: Visit = {},
): Promise<Visitor> {
  const context = await demo.browser.newContext({
    baseURL: demo.url,
    viewport: widths[width],
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
    locale,
  });
  const newTab = async (): Promise<Visitor> => {
    const page = await context.newPage();
    const complaints = watched(page);
    return {
      page,
      newTab,
      logIn: async (email) => {
        await page.goto('/login');
        await page.getByLabel('E-mail').fill(email);
        await page.getByLabel('Password').fill('Demo-1234!');
        await page.getByRole('button', { name: 'Log in' }).click();
        await page.getByRole('link', { name: 'My bookings' }).waitFor();
      },
      async inspect(picture) {
        await page.screenshot({ path: join(picturesFolder, `${picture}-${width}.png`), fullPage: true });
        expect(await seriousFaults(page), picture).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), picture).toBeLessThanOrEqual(
          0,
        );
        expect(complaints, picture).toEqual([]);
      },
      close: () => context.close(),
    };
  };
  return newTab();
}

/** Errors of scripts and refusals of the content security policy; a refusal of the API is no complaint. */
function watched(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    const isAnswer = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isAnswer) complaints.push(message.text());
  });
  return complaints;
}

async function seriousFaults(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run(document)');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
