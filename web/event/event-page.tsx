/** One event: its dates, its zones with what is left, and the way to hold tickets. */
import { useState } from 'preact/hooks';
import type { EventShape, Show } from '../api/shapes.ts';
import { findEvent, listShows } from '../api/shop.ts';
import { dateAndTime, say } from '../language/words.ts';
import { useLoaded } from '../loaded.ts';
import { Loading, Page, RefusalAlert, RefusalPage } from '../page/page.tsx';
import { type LiveEvent, useLiveEvent, useZones } from './live.ts';
import { Order } from './order.tsx';
import { hueOf, WhereAndWhen } from './poster.tsx';

export function EventPage({ slug }: { readonly slug: string }) {
  const event = useLoaded((signal) => findEvent(slug, signal), [slug]);
  const shows = useLoaded((signal) => listShows(slug, signal), [slug]);
  if (event === null || shows === null) return <Loading />;
  if (!event.ok) return <RefusalPage refusal={event.refusal} />;
  if (!shows.ok) return <RefusalPage refusal={shows.refusal} />;
  return <OpenEvent event={event.value} shows={shows.value} />;
}

function OpenEvent({ event, shows }: { readonly event: EventShape; readonly shows: readonly Show[] }) {
  const [showId, setShowId] = useState(shows[0]?.id ?? '');
  const live = useLiveEvent(event);
  return (
    <Page title={event.name} poster={{ hue: hueOf(event.slug), under: <WhereAndWhen event={event} /> }}>
      <p class="lead">{event.description}</p>
      {shows.length > 1 && <ShowChoice shows={shows} chosenId={showId} choose={setShowId} />}
      <ShowOnSale key={showId} event={event} showId={showId} live={live} />
    </Page>
  );
}

interface ShowChoiceProps {
  readonly shows: readonly Show[];
  readonly chosenId: string;
  readonly choose: (showId: string) => void;
}

function ShowChoice({ shows, chosenId, choose }: ShowChoiceProps) {
  return (
    <p class="field">
      <label for="show">{say('event.shows')}</label>
      <select id="show" value={chosenId} onChange={(event) => choose(event.currentTarget.value)}>
        {shows.map((show) => (
          <option key={show.id} value={show.id}>
            {dateAndTime(show.starts_at)} · {show.name}
          </option>
        ))}
      </select>
    </p>
  );
}

interface ShowOnSaleProps {
  readonly event: EventShape;
  readonly showId: string;
  readonly live: LiveEvent;
}

function ShowOnSale({ event, showId, live }: ShowOnSaleProps) {
  const zones = useZones(showId, live);
  if (zones === null) return <Loading />;
  if (!zones.ok) return <RefusalAlert refusal={zones.refusal} />;
  return <Order event={event} zones={zones.value} place={live.place} />;
}
