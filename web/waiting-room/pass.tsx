/** The pass of whoever was let in: the event's page asks for it, so that a reload and a second tab have it too. */
import { useEffect, useState } from 'preact/hooks';
import type { EventShape } from '../api/shapes.ts';
import { useCountdown } from '../booking/server-clock.ts';
import { minutesAndSeconds, say } from '../language/words.ts';
import { useObserved } from '../observed.ts';
import { go } from '../router.ts';
import { account } from '../session/session.ts';
import { type Pass, readPlace } from './place.ts';

/** Null: no waiting room, nobody is logged in, or it is not their turn. */
export function usePass({ id, waiting_room }: EventShape): Pass | null {
  const [pass, setPass] = useState<Pass | null>(null);
  const person = useObserved(account);
  useEffect(() => {
    setPass(null);
    if (!waiting_room || person === null) return;
    const ended = new AbortController();
    readPlace(id, ended.signal).then(
      (place) => {
        if (place.ok && place.value.stage === 'admitted') setPass(place.value.pass);
      },
      () => {}, // the page was left
    );
    return () => ended.abort();
  }, [id, waiting_room, person]);
  return pass;
}

export function PassCountdown({ pass, slug }: { readonly pass: Pass; readonly slug: string }) {
  const seconds = useCountdown(pass.expiresAtMs, pass.clock, () => go(`/events/${slug}/waiting-room`));
  return (
    <p class="countdown">
      <span>{say('event.passLeft')}</span> <strong role="timer">{minutesAndSeconds(seconds)}</strong>
    </p>
  );
}
