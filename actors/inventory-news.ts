/**
 * Tells, once a second, how the zones' free seats have changed: as often as anybody outside needs it, and never once a
 * reservation. What has changed is found by comparing with what was told last, so nothing is lost when a second fails.
 */
import type { ActorRef, Actors, Behaviour } from './kit.ts';

// ---- Protocol

type Message =
  | { readonly type: 'tick' }
  | { readonly type: 'told' }
  | { readonly type: 'failed'; readonly error: unknown };

// ---- Behaviour

export interface InventoryNewsDeps {
  readonly actors: Actors;
  readonly tell: () => Promise<void>;
  readonly failed: (error: unknown) => void;
}

const everyMs = 1_000;

// ---- Lifecycle

export function startInventoryNews({ actors, tell, failed }: InventoryNewsDeps): ActorRef<Message> {
  const behaviour: Behaviour<null, Message> = {
    begin(self) {
      self.after(everyMs, { type: 'tick' });
      return null;
    },
    receive(state, message, self) {
      if (message.type === 'failed') failed(message.error);
      if (message.type !== 'tick') self.after(everyMs, { type: 'tick' });
      else
        self.pipe(
          tell(),
          () => ({ type: 'told' }),
          (error) => ({ type: 'failed', error }),
        );
      return state;
    },
    abandon: () => {},
  };
  return actors.spawn('inventory-news', behaviour, { mailboxMax: 10, restart: { minMs: 1_000, maxMs: 10_000 } });
}
