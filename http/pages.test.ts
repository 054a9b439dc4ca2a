import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEdge, type TestEdge } from '../test/edge.ts';
import { pageRoutes } from './pages.ts';

const folder = mkdtempSync(join(tmpdir(), 'onsale-pages-'));
const document = '<!doctype html><title>A shop</title>';
const script = 'export const shop = 1;';
let edge: TestEdge;

beforeAll(async () => {
  mkdirSync(join(folder, 'assets'));
  const files = {
    'index.html': document,
    'assets/shop-AbC_1.js': script,
    'mark.svg': '<svg/>',
    'secrets.env': 'KEY=1',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'assets/shop-AbC_1.js.gz'), gzipSync(script));
  edge = await startEdge(pageRoutes(folder), {}, { paymentOrigin: 'http://127.0.0.1:12111' });
});
afterAll(async () => {
  await edge.stop();
  rmSync(folder, { recursive: true });
});

describe('the document', () => {
  it.each(['/', '/events/demo-open', '/events/demo-open/waiting-room', '/bookings/1?redirect_status=failed', '/login'])(
    'is what %s gets',
    async (path) => {
      const answer = await edge.ask(path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(await answer.text()).toBe(document);
    },
  );

  it('is asked for each time, and sent only when it is another one', async () => {
    const { headers } = await edge.ask('/');
    expect(headers.get('cache-control')).toBe('no-cache');
    const again = await edge.ask('/tickets', { headers: { 'If-None-Match': headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
  });

  it('may run our scripts and call us and the payment provider, and nobody else', async () => {
    const policy = (await edge.ask('/')).headers.get('content-security-policy');
    expect(policy).toBe(
      "default-src 'self'; connect-src 'self' http://127.0.0.1:12111; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
  });

  it('answers HEAD', async () => {
    const answer = await edge.ask('/', { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-length')).toBe(String(document.length));
    expect(await answer.text()).toBe('');
  });
});

describe('a file', () => {
  it('whose name has its hash is kept for good', async () => {
    const answer = await edge.ask('/assets/shop-AbC_1.js', { headers: { 'Accept-Encoding': 'identity' } });
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(answer.headers.get('content-encoding')).toBeNull();
    expect(await answer.text()).toBe(script);
  });

  it('is sent packed to whoever unpacks, and caches are told', async () => {
    const packed = await edge.ask('/assets/shop-AbC_1.js', { headers: { 'Accept-Encoding': 'br, gzip' } });
    expect(packed.headers.get('content-encoding')).toBe('gzip'); // there is no brotli file
    expect(packed.headers.get('vary')).toContain('Accept-Encoding');
    expect(await packed.text()).toBe(script);
    const refused = await edge.ask('/assets/shop-AbC_1.js', { headers: { 'Accept-Encoding': 'gzip;q=0' } });
    expect(refused.headers.get('content-encoding')).toBeNull();
  });

  it('of another name is asked for each time', async () => {
    const answer = await edge.ask('/mark.svg');
    expect(answer.headers.get('content-type')).toBe('image/svg+xml');
    expect(answer.headers.get('cache-control')).toBe('no-cache');
  });

  it.each(['/secrets.env', '/assets/shop-AbC_1.js.gz', '/assets/', '/assets/..%2findex.html', '/events'])(
    '%s is none',
    async (path) => {
      expect((await edge.ask(path)).status).toBe(404);
    },
  );
});

it('without a build there are no pages', () => {
  expect(pageRoutes(join(folder, 'nowhere'))).toEqual([]);
});
