import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCatalogue } from '../../persistence/postgres/catalogue.ts';
import { openPool } from '../../persistence/postgres/pool.ts';
import { refusal, startEdge, type TestEdge } from '../../test/edge.ts';
import { openDatabase } from '../../test/stores.ts';
import { createReadCache } from '../read-cache.ts';
import { createSaleDesk } from '../sale-desk.ts';
import { catalogueRoutes } from './catalogue.ts';

const startMs = Date.parse('2026-11-21T10:00:00Z');
const dayMs = 86_400_000;
const tenantId = randomUUID();
const categoryId = randomUUID();

let database: Awaited<ReturnType<typeof openDatabase>>;
let pool: pg.Pool;
let edge: TestEdge;
let nowMs = startMs;
let queries = 0;

beforeAll(async () => {
  database = await openDatabase();
  pool = openPool({ databaseUrl: database.url, connectionsMax: 4, statementTimeoutMs: 5_000, failed: () => {} });
  await pool.query("insert into tenants (id, name) values ($1, 'Demo')", [tenantId]);
  await pool.query("insert into categories (id, slug, name) values ($1, 'rock', 'Rock')", [categoryId]);
  const clock = { now: () => nowMs };
  const catalogue = createCatalogue(pool);
  const counted = new Proxy(catalogue, {
    get(target, name: keyof typeof catalogue) {
      queries += 1;
      return target[name];
    },
  });
  const saleDesk = createSaleDesk(counted, clock);
  edge = await startEdge(catalogueRoutes, { catalogue: counted, saleDesk, reads: createReadCache(clock), clock });
});
afterAll(async () => {
  await edge.stop();
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  await pool.query('truncate events, event_configs, shows, zones');
  // What earlier tests made the server keep is too old by now.
  nowMs += 10_000;
  queries = 0;
});

interface EventOptions {
  readonly status?: string;
  readonly inCategory?: boolean;
  readonly city?: string;
  /** Days from now: the show, and the beginning and end of its sale; null: no show. */
  readonly show?: readonly [at: number, saleStart: number, saleEnd: number] | null;
}

async function addEvent(name: string, options: EventOptions = {}) {
  const { status = 'published', inCategory = false, city = 'Bangkok', show = [30, -1, 29] } = options;
  const [id, showId, zoneId] = [randomUUID(), randomUUID(), randomUUID()];
  await pool.query(
    'insert into events (id, tenant_id, category_id, slug, name, city, status) values ($1, $2, $3, $4, $5, $6, $7)',
    [id, tenantId, inCategory ? categoryId : null, name.toLowerCase().replaceAll(' ', '-'), name, city, status],
  );
  if (show === null) return { id, showId, zoneId };
  const times = show.map((days) => new Date(startMs + days * dayMs));
  await pool.query(
    'insert into shows (event_id, id, name, starts_at, sale_start_at, sale_end_at) values ($1, $2, $3, $4, $5, $6)',
    [id, showId, 'Evening', ...times],
  );
  await pool.query(
    `insert into zones (event_id, id, show_id, name, kind, price_minor, currency, capacity, available, held, sold)
     values ($1, $2, $3, 'VIP', 'general', 300000, 'THB', 500, 490, 7, 3)`,
    [id, zoneId, showId],
  );
  return { id, showId, zoneId };
}

async function get(path: string, headers: Record<string, string> = {}) {
  const answer = await edge.ask(`/api/v1${path}`, { headers });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) };
}

const names = (body: { data: { name: string }[] }) => body.data.map(({ name }) => name);
describe('the list of events', () => {
  it('has published ones only, in order of their first show, those without one last', async () => {
    await addEvent('Later', { show: [40, -1, 39] });
    await addEvent('Sooner', { show: [10, -1, 9] });
    await addEvent('Planned', { show: null });
    await addEvent('Secret', { status: 'draft' });
    await addEvent('Gone', { status: 'cancelled' });
    const { body } = await get('/events');
    expect(names(body)).toEqual(['Sooner', 'Later', 'Planned']);
    expect(body.meta).toEqual({ next_cursor: null });
  });

  it('says of each event what a page needs', async () => {
    const { id } = await addEvent('Demo Rush', { inCategory: true });
    await pool.query("insert into event_configs (event_id, max_per_user, waiting_room) values ($1, 4, 'open')", [id]);
    const { body } = await get('/events');
    expect(body.data).toEqual([
      {
        id,
        slug: 'demo-rush',
        name: 'Demo Rush',
        description: '',
        venue_name: '',
        city: 'Bangkok',
        country: '',
        category: 'rock',
        status: 'on_sale',
        first_show_at: '2026-12-21T10:00:00.000Z',
        max_per_user: 4,
        waiting_room: true,
      },
    ]);
  });

  it('can be searched, by words as they are', async () => {
    await addEvent('Rock 100% Live', { city: 'Hà Nội' });
    await addEvent('Rock 1000 Live');
    expect(names((await get('/events?q=100%25')).body)).toEqual(['Rock 100% Live']);
    expect(names((await get('/events?q=h%C3%A0%20n')).body)).toEqual(['Rock 100% Live']);
    expect(names((await get('/events?q=ROCK')).body)).toHaveLength(2);
    expect(names((await get("/events?q='%20or%20true%20--")).body)).toEqual([]);
  });

  it('can be narrowed to a category and to what is on sale', async () => {
    await addEvent('On sale', { show: [30, -1, 29], inCategory: true });
    await addEvent('Upcoming', { show: [30, 1, 29] });
    await addEvent('Ended', { show: [1, -9, -1] });
    expect(names((await get('/events?status=on_sale')).body)).toEqual(['On sale']);
    expect(names((await get('/events?status=upcoming')).body)).toEqual(['Upcoming']);
    expect(names((await get('/events?status=ended')).body)).toEqual(['Ended']);
    expect(names((await get('/events?category=rock')).body)).toEqual(['On sale']);
  });

  it('gives each event once over pages by cursor, shows at the same time and none at all included', async () => {
    for (let n = 0; n < 7; n++) await addEvent(`Same ${n}`);
    for (let n = 0; n < 3; n++) await addEvent(`None ${n}`, { show: null });
    const seen: string[] = [];
    let cursor = '';
    for (let page = 0; page < 4; page++) {
      const { body } = await get(`/events?limit=3${cursor}`);
      seen.push(...names(body));
      expect(body.meta.next_cursor === null).toBe(page === 3);
      cursor = `&cursor=${body.meta.next_cursor}`;
    }
    expect(new Set(seen).size).toBe(10);
    expect(seen.slice(7).sort()).toEqual(['None 0', 'None 1', 'None 2']);
  });

  it('can be read by page numbers, with the total', async () => {
    for (let n = 0; n < 5; n++) await addEvent(`Event ${n}`, { show: [n + 1, -1, 1] });
    const { body } = await get('/events?page=2&per_page=2');
    expect(names(body)).toEqual(['Event 2', 'Event 3']);
    expect(body.meta).toEqual({ page: 2, per_page: 2, total: 5 });
  });

  it.each([
    'limit=0',
    'limit=101',
    'limit=1e1',
    'limit=-1',
    'limit=',
    'page=0',
    'per_page=101',
    'status=sold',
    'cursor=x',
  ])('is refused with %s', async (query) => {
    expect(await get(`/events?${query}`)).toMatchObject({ status: 400, body: refusal('VALIDATION_ERROR') });
  });

  it('is refused with a page and a cursor', async () => {
    const cursor = Buffer.from(`/${randomUUID()}`).toString('base64url');
    expect((await get(`/events?cursor=${cursor}`)).status).toBe(200);
    expect((await get(`/events?page=1&cursor=${cursor}`)).status).toBe(400);
  });
});

describe('an event', () => {
  it('without shows has none, which is no refusal', async () => {
    const { id } = await addEvent('Planned', { show: null });
    expect((await get(`/events/${id}/shows`)).body.data).toEqual([]);
  });

  it('is found by slug and by id, with its shows and zones', async () => {
    const { id, showId, zoneId } = await addEvent('Demo Open');
    for (const name of ['demo-open', id]) {
      expect((await get(`/events/${name}`)).body.data).toMatchObject({ id, slug: 'demo-open', waiting_room: false });
      const shows = (await get(`/events/${name}/shows`)).body.data;
      expect(shows).toEqual([
        {
          id: showId,
          event_id: id,
          name: 'Evening',
          starts_at: '2026-12-21T10:00:00.000Z',
          sale_start_at: '2026-11-20T10:00:00.000Z',
          sale_end_at: '2026-12-20T10:00:00.000Z',
        },
      ]);
    }
    expect((await get(`/shows/${showId}/zones`)).body.data).toEqual([
      {
        id: zoneId,
        event_id: id,
        show_id: showId,
        name: 'VIP',
        kind: 'general',
        price: 300000,
        currency: 'THB',
        capacity: 500,
        available: 490,
        held: 7,
        sold: 3,
        blocked: 0,
      },
    ]);
    expect((await get(`/zones/${zoneId}/seats`)).body.data).toEqual([]);
  });

  it.each(['draft', 'configured', 'approved', 'cancelled'])(
    'that is %s is not there, nor what belongs to it',
    async (status) => {
      const { id, showId, zoneId } = await addEvent('Secret', { status });
      const paths = [
        `/events/${id}`,
        '/events/secret',
        `/events/${id}/shows`,
        `/shows/${showId}/zones`,
        `/zones/${zoneId}/seats`,
      ];
      for (const path of paths) expect(await get(path)).toMatchObject({ status: 404, body: refusal('NOT_FOUND') });
    },
  );

  it('that nobody made is not there', async () => {
    const paths = [
      '/events/none',
      `/events/${randomUUID()}`,
      `/shows/${randomUUID()}/zones`,
      `/zones/${randomUUID()}/seats`,
    ];
    for (const path of paths) expect((await get(path)).status).toBe(404);
    for (const path of ['/shows/1/zones', '/zones/x/seats']) expect((await get(path)).status).toBe(400);
  });
});

describe('what is read', () => {
  it('may be the categories', async () => {
    expect((await get('/categories')).body.data).toEqual([{ id: categoryId, slug: 'rock', name: 'Rock' }]);
  });

  it('is read once a second, however many ask', async () => {
    const { showId } = await addEvent('Demo');
    const ask = () => get(`/shows/${showId}/zones`);
    await Promise.all(Array.from({ length: 20 }, ask));
    nowMs += 999;
    await ask();
    expect(queries).toBe(1);
  });

  it('is never a second old', async () => {
    const { showId, zoneId } = await addEvent('Demo');
    const available = async () => (await get(`/shows/${showId}/zones`)).body.data[0].available;
    expect(await available()).toBe(490);
    await pool.query('update zones set available = 480, held = 17 where id = $1', [zoneId]);
    nowMs += 1_000;
    expect(await available()).toBe(480);
  });

  it('is not sent again to who has it', async () => {
    const { zoneId, showId } = await addEvent('Demo');
    const path = `/shows/${showId}/zones`;
    const first = await get(path);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    expect(first.headers.get('cache-control')).toBe('public, max-age=1');
    for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await get(path, { 'if-none-match': tags });
      expect(again).toMatchObject({ status: 304, body: null });
      expect(again.headers.get('etag')).toBe(etag);
    }
    expect((await get(path, { 'if-none-match': '"other"' })).status).toBe(200);
    await pool.query('update zones set available = 480, held = 17 where id = $1', [zoneId]);
    nowMs += 1_000;
    expect((await get(path, { 'if-none-match': etag })).status).toBe(200);
  });

  it('is read again by the next who asks when it failed', async () => {
    const { id } = await addEvent('Demo');
    await pool.query('alter table events rename to elsewhere');
    const lost = await get(`/events/${id}`);
    await pool.query('alter table elsewhere rename to events');
    expect(lost).toMatchObject({ status: 500, body: refusal('INTERNAL_ERROR') });
    expect((await get(`/events/${id}`)).status).toBe(200);
  });
});
