/** Events, shows and zones as the API shows them. */
import { z } from 'zod';
import type { CatalogueEvent, Show, Zone } from '../engine/catalogue.ts';
import { timeText } from './booking-view.ts';

const time = z.iso.datetime();

export const eventView = z.object({
  id: z.uuid(),
  slug: z.string(),
  name: z.string(),
  description: z.string(),
  venue_name: z.string(),
  city: z.string(),
  country: z.string(),
  category: z.string().nullable(),
  status: z.enum(['on_sale', 'upcoming', 'ended']),
  first_show_at: time.nullable(),
  max_per_user: z.int(),
  waiting_room: z.boolean().describe('Whether a reservation needs a pass from the waiting room'),
});

export const showView = z.object({
  id: z.uuid(),
  event_id: z.uuid(),
  name: z.string(),
  starts_at: time,
  sale_start_at: time,
  sale_end_at: time,
});

export const zoneView = z.object({
  id: z.uuid(),
  event_id: z.uuid(),
  show_id: z.uuid(),
  name: z.string(),
  kind: z.enum(['general', 'seated']),
  price: z.int().describe('In the minor unit of the currency'),
  currency: z.string().length(3),
  capacity: z.int(),
  available: z.int(),
  held: z.int(),
  sold: z.int(),
  blocked: z.int(),
});

export function viewEvent(event: CatalogueEvent): z.input<typeof eventView> {
  return {
    id: event.id,
    slug: event.slug,
    name: event.name,
    description: event.description,
    venue_name: event.venueName,
    city: event.city,
    country: event.country,
    category: event.category,
    status: event.saleStatus,
    first_show_at: event.firstShowAtMs === null ? null : timeText(event.firstShowAtMs),
    max_per_user: event.maxPerUser,
    waiting_room: event.waitingRoom !== 'off',
  };
}

export function viewShow(show: Show): z.input<typeof showView> {
  return {
    id: show.id,
    event_id: show.eventId,
    name: show.name,
    starts_at: timeText(show.startsAtMs),
    sale_start_at: timeText(show.saleStartAtMs),
    sale_end_at: timeText(show.saleEndAtMs),
  };
}

export function viewZone({ eventId, showId, priceMinor, ...zone }: Zone): z.input<typeof zoneView> {
  return { ...zone, event_id: eventId, show_id: showId, price: priceMinor };
}
