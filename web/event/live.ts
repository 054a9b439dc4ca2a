/** What changes on the page of an event while somebody looks at it: what is left of each zone, and where they stand. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Answer } from '../api/refusal.ts';
import type { EventShape, Zone } from '../api/shapes.ts';
import { listZones } from '../api/shop.ts';
import { useRepeated } from '../loaded.ts';
import { useObserved } from '../observed.ts';
import { account } from '../session/session.ts';
import { followPlace, type Place } from '../waiting-room/place.ts';

export interface LiveEvent {
  /** Null: the event has no waiting room, nobody is logged in, or it is not known yet. */
  readonly place: Place | null;
  /** Free seats by zone, as they were pushed; empty while nothing is. */
  readonly available: ReadonlyMap<string, number>;
}

const nothing: LiveEvent = { place: null, available: new Map() };

/** Follows the event for whoever is logged in: only they may have a connection. */
export function useLiveEvent({ id, waiting_room }: EventShape): LiveEvent {
  const [live, setLive] = useState(nothing);
  const person = useObserved(account);
  useEffect(() => {
    setLive(nothing);
    if (person === null) return;
    return followPlace(id, {
      place: (answer) => {
        if (answer.ok && waiting_room) setLive((before) => ({ ...before, place: answer.value }));
      },
      available: (zoneId, seats) =>
        setLive((before) => ({ ...before, available: new Map(before.available).set(zoneId, seats) })),
    });
  }, [id, waiting_room, person]);
  return live;
}

/** The API keeps these answers for a second; asking more often would bring the same. */
const asksEveryMs = 2_000;
/** For what is not pushed: capacities and prices. */
const asksCalmlyEveryMs = 30_000;

/** The zones of a show, with what is left of each as it was last pushed, or else asked for. */
export function useZones(showId: string, { available }: LiveEvent): Answer<Zone[]> | null {
  const everyMs = useRef(asksEveryMs);
  everyMs.current = available.size > 0 ? asksCalmlyEveryMs : asksEveryMs;
  const zones = useRepeated(
    (signal) => listZones(showId, signal),
    () => everyMs.current,
    [showId],
  );
  if (!zones?.ok) return zones;
  return {
    ...zones,
    value: zones.value.map((zone) => ({ ...zone, available: available.get(zone.id) ?? zone.available })),
  };
}
