/** An event's colours and its lines of where and when. Pictures would have to come from somewhere; colours follow from the slug. */
import type { EventShape } from '../api/shapes.ts';
import { dateAndTime } from '../language/words.ts';

/** In degrees: the hues that make a good poster. */
const hues = [262, 222, 196, 338, 14, 288, 168];

/** One of the hues, always the same for a slug (FNV-1a). */
export function hueOf(slug: string): number {
  let hash = 0x811c9dc5;
  for (const character of slug) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hues[hash % hues.length] ?? 0;
}

export function WhereAndWhen({ event }: { readonly event: EventShape }) {
  return (
    <p class="where-and-when">
      {event.first_show_at !== null && <time dateTime={event.first_show_at}>{dateAndTime(event.first_show_at)}</time>}
      <span>
        {event.venue_name}, {event.city}
      </span>
    </p>
  );
}
