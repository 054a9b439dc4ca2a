/** The pass of whoever was let in: the event's page asks for it, so that a reload and a second tab have it too. */
import { useEffect, useState } from 'preact/hooks';
import type { EventShape } from '../api/shapes.ts';
import { useCountdown } from '../booking/server-clock.ts';
import { minutesAndSeconds, say } from '../language/words.ts';
import { useObserved } from '../observed.ts';
import { go } from '../router.ts';
import { account } from '../session/session.ts';
import { type Pass, type Place, readPlace } from './place.ts';

/** Where the person stands in the event's waiting room. Null: it has none, nobody is logged in, or it is not known yet. */
export function useStanding({ id, waiting_room }: EventShape): Place | null {
  const [place, setPlace] = useState<Place | null>(null);
  const person = useObserved(account);
  useEffect(() => {
    setPlace(null);
    if (!waiting_room || person === null) return;
    const ended = new AbortController();
    readPlace(id, ended.signal).then(
      (answer) => {
        if (answer.ok) setPlace(answer.value);
      },
      () => {}, // the page was left
    );
    return () => ended.abort();
  }, [id, waiting_room, person]);
  return place;
}

export function PassCountdown({ pass, slug }: { readonly pass: Pass; readonly slug: string }) {
  const seconds = useCountdown(pass.expiresAtMs, pass.clock, () => go(`/events/${slug}/waiting-room`));
  return (
    <p class="countdown">
      <span>{say('event.passLeft')}</span> <strong role="timer">{minutesAndSeconds(seconds)}</strong>
    </p>
  );
}
