/** Where one stands, for eyes and for ears: place, people ahead, wait, how far one has come, and what stops the line. */
import { roughlyBetween, say } from '../language/words.ts';
import type { Waiting } from './place.ts';

/** Where this tab's person began, so that the bar shows how far they have come; kept over reloads. */
function firstPosition(eventId: string, position: number): number {
  const key = `onsale first position ${eventId}`;
  const kept = Number(sessionStorage.getItem(key) ?? 0);
  if (kept >= position) return kept;
  sessionStorage.setItem(key, String(position));
  return position;
}

export function Standing({ eventId, waiting }: { readonly eventId: string; readonly waiting: Waiting }) {
  const { position } = waiting;
  return (
    <>
      <Stop waiting={waiting} />
      <section class="card standing">
        {position !== null && <Position eventId={eventId} position={position} />}
        {!waiting.soldOut && (
          <p class={`standing-wait${waiting.wait === null ? ' standing-wait-unknown' : ''}`}>
            <span class="hint">{say('room.wait')}</span>
            <strong>{waitWords(waiting)}</strong>
          </p>
        )}
      </section>
      {/* Said when it changes: the line as a whole, not each number by itself. */}
      <p class="visually-hidden" role="status">
        {position !== null &&
          `${say('room.place')}: ${aheadWords(position)}. ${say('room.wait')}: ${waitWords(waiting)}`}
      </p>
    </>
  );
}

function Position({ eventId, position }: { readonly eventId: string; readonly position: number }) {
  const first = firstPosition(eventId, position);
  return (
    <>
      <p class="standing-place">
        <span class="hint">{say('room.place')}</span>
        <strong>{say('room.number', { position })}</strong>
        <span>{aheadWords(position)}</span>
      </p>
      <progress aria-label={say('room.progress')} max={first} value={first - position + 1} />
    </>
  );
}

function aheadWords(position: number): string {
  return position === 1 ? say('room.next') : say('room.ahead', { count: position - 1 });
}

function waitWords({ wait }: Waiting): string {
  return wait === null ? say('room.waitUnknown') : roughlyBetween(wait.lowSeconds, wait.highSeconds);
}

/** Why nobody moves; said at once. */
function Stop({ waiting: { soldOut, mode, position } }: { readonly waiting: Waiting }) {
  if (soldOut) return <SoldOut />;
  if (mode === 'paused') return <Notice title={say('room.paused')} more={say('room.pausedMore')} />;
  if (position === null) return <Notice title={say('room.lobby')} more={say('room.lobbyMore')} />;
  return null;
}

export function SoldOut() {
  return <Notice title={say('room.soldOut')} more={say('room.soldOutMore')} />;
}

function Notice({ title, more }: { readonly title: string; readonly more: string }) {
  return (
    <div class="notice notice-stop" role="alert">
      <strong>{title}</strong> {more}
    </div>
  );
}
