/** What is for sale, for everybody. All answers are shared, at most a second old, and carry an ETag. */
import { z } from 'zod';
import { successBody } from '../envelope.ts';
import { eventListBody, eventListMeta, eventQuery } from '../event-list.ts';
import { eventView, showView, viewEvent, viewShow, viewZone, zoneView } from '../event-view.ts';
import { type KeptAnswer, namesTag, type ReadCache } from '../read-cache.ts';
import { type AnyCall, defineRoute, type Route } from '../route.ts';

const area = 'Catalogue';
const slug = z.object({ slug: z.string().min(1).max(200).describe('Slug or id of an event') });
const id = z.object({ id: z.uuid() });

const listEvents = defineRoute({
  method: 'GET',
  path: '/api/v1/events',
  area,
  summary: 'Events, in order of their first show',
  who: 'anyone',
  limit: 'general',
  query: eventQuery,
  answers: { 200: z.array(eventView) },
  meta: eventListMeta,
  handle: (call, { reads, catalogue, clock }) =>
    answerKept(call, reads, `events ${JSON.stringify(call.query)}`, () =>
      eventListBody(catalogue, call.query, clock.now()),
    ),
});

const readEvent = defineRoute({
  method: 'GET',
  path: '/api/v1/events/:slug',
  area,
  summary: 'One event',
  who: 'anyone',
  limit: 'general',
  params: slug,
  answers: { 200: eventView },
  refusals: ['NOT_FOUND'],
  handle: (call, { reads, catalogue, clock }) =>
    answerKept(call, reads, `event ${call.params.slug}`, async () => {
      const event = await catalogue.findEvent(call.params.slug, clock.now());
      return event && successBody(viewEvent(event));
    }),
});

const listShows = defineRoute({
  method: 'GET',
  path: '/api/v1/events/:slug/shows',
  area,
  summary: 'The shows of an event, in order',
  who: 'anyone',
  limit: 'general',
  params: slug,
  answers: { 200: z.array(showView) },
  refusals: ['NOT_FOUND'],
  handle: (call, { reads, catalogue }) =>
    answerKept(call, reads, `shows ${call.params.slug}`, async () => {
      const shows = await catalogue.listShows(call.params.slug);
      return shows && successBody(shows.map(viewShow));
    }),
});

const listZones = defineRoute({
  method: 'GET',
  path: '/api/v1/shows/:id/zones',
  area,
  summary: 'The zones of a show with what is left of them, at most a second old',
  who: 'anyone',
  limit: 'general',
  params: id,
  answers: { 200: z.array(zoneView) },
  refusals: ['NOT_FOUND'],
  handle: (call, { reads, catalogue }) =>
    answerKept(call, reads, `zones ${call.params.id}`, async () => {
      const zones = await catalogue.listZones(call.params.id);
      return zones && successBody(zones.map(viewZone));
    }),
});

const listSeats = defineRoute({
  method: 'GET',
  path: '/api/v1/zones/:id/seats',
  area,
  summary: 'The named seats of a zone; none for general admission',
  who: 'anyone',
  limit: 'general',
  params: id,
  answers: { 200: z.array(z.object({ seat: z.string(), status: z.enum(['available', 'held', 'sold', 'blocked']) })) },
  refusals: ['NOT_FOUND'],
  handle: (call, { reads, saleDesk }) =>
    answerKept(call, reads, `seats ${call.params.id}`, async () => {
      const zone = await saleDesk.find(call.params.id);
      return zone?.published ? successBody([]) : null;
    }),
});

const listCategories = defineRoute({
  method: 'GET',
  path: '/api/v1/categories',
  area,
  summary: 'Categories of events',
  who: 'anyone',
  limit: 'general',
  answers: { 200: z.array(z.object({ id: z.uuid(), slug: z.string(), name: z.string() })) },
  handle: (call, { reads, catalogue }) =>
    answerKept(call, reads, 'categories', async () => successBody(await catalogue.listCategories())),
});

/** Answers what is kept under `key`, or makes it; synchronous when it is kept. `make` gives null for "no such thing". */
function answerKept(
  call: AnyCall,
  reads: ReadCache,
  key: string,
  make: () => Promise<string | null>,
): void | Promise<void> {
  const found = reads.get(key, make);
  if (found instanceof Promise) return found.then((answer) => answerTagged(call, answer));
  answerTagged(call, found);
}

function answerTagged(call: AnyCall, answer: KeptAnswer | null): void {
  if (answer === null) {
    call.refuse({ code: 'NOT_FOUND' });
    return;
  }
  call.cacheFor(1);
  call.header('ETag', answer.etag);
  if (namesTag(call.ifNoneMatch, answer.etag)) call.bare(304);
  else call.replyBytes(200, answer.body);
}

export const catalogueRoutes: readonly Route[] = [
  listEvents,
  readEvent,
  listShows,
  listZones,
  listSeats,
  listCategories,
];
