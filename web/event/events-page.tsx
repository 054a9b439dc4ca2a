/** All that is on. */

import type { EventShape } from '../api/shapes.ts';
import { listEvents } from '../api/shop.ts';
import { say } from '../language/words.ts';
import { useLoaded } from '../loaded.ts';
import { Loading, Page, RefusalPage } from '../page/page.tsx';
import { hueOf, WhereAndWhen } from './poster.tsx';

export function EventsPage() {
  const answer = useLoaded(listEvents, []);
  if (answer !== null && !answer.ok) return <RefusalPage refusal={answer.refusal} />;
  return (
    <Page title={say('events.title')}>
      {answer === null && <Loading />}
      {answer?.value.length === 0 && <p>{say('events.none')}</p>}
      <ul class="posters">
        {answer?.value.map((event) => (
          <li key={event.id}>
            <EventCard event={event} />
          </li>
        ))}
      </ul>
    </Page>
  );
}

const statusWords = { on_sale: 'events.onSale', upcoming: 'events.upcoming', ended: 'events.ended' } as const;

function EventCard({ event }: { readonly event: EventShape }) {
  return (
    <article class="event-card">
      <div class="poster" style={{ '--hue': hueOf(event.slug) }}>
        <span class="badge">{say(statusWords[event.status])}</span>
        <h2>
          <a class="covers-card" href={`/events/${event.slug}`}>
            {event.name}
          </a>
        </h2>
      </div>
      <WhereAndWhen event={event} />
    </article>
  );
}
