/** What a booking's ids are called: the event, its date and the zone. */
import { useMemo } from 'preact/hooks';
import type { Booking, EventShape, Zone } from '../api/shapes.ts';
import { findEvent, listShows, listZones } from '../api/shop.ts';
import { useLoaded } from '../loaded.ts';

interface SeatNames {
  /** Null when the event is no longer shown. */
  readonly event: EventShape | null;
  readonly zone: Zone | null;
}

/** Several bookings of one event ask once. */
const asked = new Map<string, Promise<{ event: EventShape | null; zones: readonly Zone[] }>>();

async function askFor(eventId: string): Promise<{ event: EventShape | null; zones: readonly Zone[] }> {
  const [event, shows] = await Promise.all([findEvent(eventId), listShows(eventId)]);
  if (!event.ok || !shows.ok) return { event: null, zones: [] };
  const zones = await Promise.all(shows.value.map((show) => listZones(show.id)));
  return { event: event.value, zones: zones.flatMap((answer) => (answer.ok ? answer.value : [])) };
}

/** Null until they are known. */
export function useSeatNames({ event_id, zone_id }: Pick<Booking, 'event_id' | 'zone_id'>): SeatNames | null {
  const known = useLoaded(() => {
    const answer = asked.get(event_id) ?? askFor(event_id);
    asked.set(event_id, answer);
    return answer;
  }, [event_id]);
  return useMemo(
    () => known && { event: known.event, zone: known.zones.find(({ id }) => id === zone_id) ?? null },
    [known, zone_id],
  );
}
