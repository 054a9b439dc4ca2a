/** The waiting room of an event: takes a place, shows it, and goes on by itself when it is one's turn. */
import { useEffect, useState } from 'preact/hooks';
import type { Answer, Refusal } from '../api/refusal.ts';
import type { EventShape } from '../api/shapes.ts';
import { findEvent } from '../api/shop.ts';
import { hueOf, WhereAndWhen } from '../event/poster.tsx';
import { say } from '../language/words.ts';
import { useLoaded } from '../loaded.ts';
import { Loading, Page, RefusalAlert, RefusalPage } from '../page/page.tsx';
import type { LeaveReason } from '../queue/standing.ts';
import { go } from '../router.ts';
import { followPlace, join, leave, type Place } from './place.ts';
import { SoldOut, Standing } from './standing.tsx';

export function WaitingRoomPage({ slug }: { readonly slug: string }) {
  const event = useLoaded((signal) => findEvent(slug, signal), [slug]);
  if (event === null) return <Loading />;
  if (!event.ok) return <RefusalPage refusal={event.refusal} />;
  return (
    <Page
      title={say('room.title')}
      width="narrow"
      poster={{ hue: hueOf(event.value.slug), under: <RoomOf event={event.value} /> }}
    >
      <Room event={event.value} />
    </Page>
  );
}

function RoomOf({ event }: { readonly event: EventShape }) {
  return (
    <>
      <p class="poster-name">{event.name}</p>
      <WhereAndWhen event={event} />
    </>
  );
}

/** `out`: the place is given up, here or in another tab, or was lost; nothing takes one for the person again but they. */
type Presence = 'in' | 'leaving' | { readonly out: LeaveReason | null };

const outWords = { left: 'room.left', timed_out: 'room.timedOut', pass_expired: 'room.passExpired' } as const;

function Room({ event }: { readonly event: EventShape }) {
  const [presence, setPresence] = useState<Presence>('in');
  const place = usePlace(event.id, presence, (reason) => setPresence({ out: reason }));
  useOnward(event, place);
  if (typeof presence === 'object') {
    return (
      <>
        <p role="status">{say(presence.out === null ? 'room.lost' : outWords[presence.out])}</p>
        <button type="button" class="button" onClick={() => setPresence('in')}>
          {say('room.again')}
        </button>
      </>
    );
  }
  if (presence === 'leaving') return <Loading />;
  if (place === null) return <p role="status">{say('room.joining')}</p>;
  if (!place.ok) return <Refused event={event} refusal={place.refusal} />;
  if (place.value.stage !== 'waiting') return <p role="status">{say('room.admitted')}</p>;
  const goOut = async () => {
    // Nobody follows meanwhile: the news of it would be taken for a place that was lost.
    setPresence('leaving');
    const left = await leave(event.id);
    setPresence(left.ok ? { out: 'left' } : 'in');
  };
  return (
    <>
      <p class="lead">{say('room.lead')}</p>
      <Standing eventId={event.id} waiting={place.value} />
      <button type="button" class="button-plain" onClick={() => void goOut()}>
        {say('room.leave')}
      </button>
    </>
  );
}

function Refused({ event, refusal }: { readonly event: EventShape; readonly refusal: Refusal }) {
  // The room is off: nobody needs a pass.
  const isOff = refusal.code === 'INVALID_STATE';
  useEffect(() => {
    if (isOff) go(`/events/${event.slug}`, { replace: true });
  }, [isOff, event.slug]);
  if (isOff) return <Loading />;
  return (
    <>
      {refusal.code === 'INSUFFICIENT_STOCK' ? <SoldOut /> : <RefusalAlert refusal={refusal} />}
      <p>
        <a href={`/events/${event.slug}`}>{event.name}</a>
      </p>
    </>
  );
}

/** Joins, then watches; `lost` is told when there is no place any more, and why. */
function usePlace(eventId: string, presence: Presence, lost: (why: LeaveReason | null) => void): Answer<Place> | null {
  const [place, setPlace] = useState<Answer<Place> | null>(null);
  useEffect(() => {
    setPlace(null);
    if (presence !== 'in') return;
    let end = () => {};
    let gone = false;
    const enter = async () => {
      const joined = await join(eventId);
      if (gone) return;
      if (!joined.ok) setPlace(joined);
      else
        end = followPlace(eventId, {
          place: (now) => (now.ok && now.value.stage === 'absent' ? lost(now.value.left) : setPlace(now)),
        });
    };
    void enter();
    return () => {
      gone = true;
      end();
    };
  }, [eventId, presence]);
  return place;
}

/** Whoever is let in goes to choose; whoever holds tickets already goes to pay. */
function useOnward(event: EventShape, place: Answer<Place> | null): void {
  useEffect(() => {
    if (!place?.ok) return;
    const { value } = place;
    if (value.stage === 'admitted') go(`/events/${event.slug}`, { replace: true });
    if (value.stage === 'checkout')
      go(value.bookingId === null ? '/bookings' : `/bookings/${value.bookingId}`, { replace: true });
  }, [place, event.slug]);
}
