/** How long the pass of whoever was let in still lasts. */
import { useCountdown } from '../booking/server-clock.ts';
import { minutesAndSeconds, say } from '../language/words.ts';
import type { Pass } from './place.ts';

export function PassCountdown({ pass, over }: { readonly pass: Pass; readonly over: () => void }) {
  const seconds = useCountdown(pass.expiresAtMs, pass.clock, over);
  return (
    <p class="countdown">
      <span>{say('event.passLeft')}</span> <strong role="timer">{minutesAndSeconds(seconds)}</strong>
    </p>
  );
}
