/** What was bought, in a few lines: event, date, zone, number and price. */
import type { Booking } from '../api/shapes.ts';
import { hueOf, WhereAndWhen } from '../event/poster.tsx';
import { money, say } from '../language/words.ts';
import { useSeatNames } from './seat-names.ts';

export function BookingSummary({ booking }: { readonly booking: Booking }) {
  const names = useSeatNames(booking);
  return (
    <section class="card summary" aria-label={say('booking.summary')}>
      {names?.event && (
        <span class="summary-stripe poster" style={{ '--hue': hueOf(names.event.slug) }} aria-hidden="true" />
      )}
      <h2>{names?.event ? <a href={`/events/${names.event.slug}`}>{names.event.name}</a> : say('booking.summary')}</h2>
      {names?.event && <WhereAndWhen event={names.event} />}
      <p class="total">
        <span>
          {names?.zone && `${say('booking.zone', { zone: names.zone.name })} · `}
          {say('booking.seats', { count: booking.quantity })}
        </span>
        <strong>{money(booking.total_amount, booking.currency)}</strong>
      </p>
    </section>
  );
}
