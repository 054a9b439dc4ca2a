/** Pages of the list of events: what may be asked, where a page goes on, and what it says of itself. */
import { z } from 'zod';
import type { Catalogue, EventFilter, EventPlace } from '../engine/catalogue.ts';
import { successBody } from './envelope.ts';
import { viewEvent } from './event-view.ts';

const pageDefault = 20;
const pageMax = 100;
/** Deeper than anybody reads; an offset costs what it skips. */
const pagesMax = 1_000;

/** A whole number in a query string, 1 … max: digits only. */
const count = (max: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,5}$/, `must be a whole number from 1 to ${max}`)
    .transform(Number)
    .refine((value) => value <= max, `must be a whole number from 1 to ${max}`);

const cursor = z
  .string()
  .max(200)
  .transform((text, context): EventPlace => {
    const [time = '', id = ''] = Buffer.from(text, 'base64url').toString().split('/');
    const place = { firstShowAtMs: time === '' ? null : Number(time), id };
    if (/^\d{0,15}$/.test(time) && z.uuid().safeParse(id).success) return place;
    context.addIssue('is not a cursor of this list');
    return z.NEVER;
  });

function cursorAfter({ firstShowAtMs, id }: EventPlace): string {
  return Buffer.from(`${firstShowAtMs ?? ''}/${id}`).toString('base64url');
}

export const eventQuery = z
  .object({
    q: z.string().trim().max(100).optional().describe('Part of the name, the venue or the city'),
    category: z.string().max(100).optional().describe('Slug of a category'),
    status: z.enum(['on_sale', 'upcoming', 'ended']).optional(),
    limit: count(pageMax).optional(),
    cursor: cursor.optional().describe('`meta.next_cursor` of the page before'),
    page: count(pagesMax).optional().describe('Instead of a cursor: number of the page, from 1'),
    per_page: count(pageMax).optional(),
  })
  .refine(({ cursor, page }) => !(cursor && page), { path: ['page'], error: 'excludes a cursor' });

export const eventListMeta = z.union([
  z.object({ next_cursor: z.string().nullable() }),
  z.object({ page: z.int(), per_page: z.int(), total: z.int() }),
]);

/** The body of the page that `query` asks for: by number when it names one, else by cursor. */
export async function eventListBody(
  catalogue: Catalogue,
  query: z.output<typeof eventQuery>,
  nowMs: number,
): Promise<string> {
  const filter: EventFilter = {
    search: query.q || null,
    category: query.category ?? null,
    saleStatus: query.status ?? null,
    nowMs,
  };
  if (query.page !== undefined || query.per_page !== undefined) return numberedPage(catalogue, query, filter);
  const limit = query.limit ?? pageDefault;
  // One more than asked for tells whether the list goes on.
  const found = await catalogue.listEvents({ filter, limit: limit + 1, from: { after: query.cursor ?? null } });
  const events = found.slice(0, limit);
  const last = events.at(-1);
  const meta = { next_cursor: found.length > limit && last ? cursorAfter(last) : null };
  return successBody(events.map(viewEvent), meta satisfies z.input<typeof eventListMeta>);
}

async function numberedPage(
  catalogue: Catalogue,
  query: z.output<typeof eventQuery>,
  filter: EventFilter,
): Promise<string> {
  const { page = 1, per_page = pageDefault } = query;
  const [events, total] = await Promise.all([
    catalogue.listEvents({ filter, limit: per_page, from: { offset: (page - 1) * per_page } }),
    catalogue.countEvents(filter),
  ]);
  return successBody(events.map(viewEvent), { page, per_page, total } satisfies z.input<typeof eventListMeta>);
}
