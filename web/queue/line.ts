/** What every way of following a waiting room has in common: where it leads, what it brings, how it ends. */
import type { ServerMessage } from '../../http/live-view.ts';
import type { Refusal } from '../api/refusal.ts';

export interface Destination {
  /** Where the API is: `https://tickets.example`. */
  readonly origin: string;
  readonly eventId: string;
  readonly token: string;
  /** The name of the connection that this one replaces. */
  readonly resume: string | null;
  /** Whether what is left of each zone is wanted, too. */
  readonly availability: boolean;
}

/** What is told besides the waiting room's own messages. */
export type News = Extract<ServerMessage, { type: 'availability' | 'booking' | 'notification' }>;

/** Why a line ended. `refusal`: the API said no, and will again. */
export interface End {
  readonly refusal?: Refusal;
}

export interface Listener {
  hear(message: ServerMessage): void;
  /** Called once, unless it was us who closed it. */
  ended(end: End): void;
}

export interface Line {
  /** Asks for the exact place. */
  ask(): void;
  close(): void;
}

export type OpenLine = (to: Destination, listener: Listener) => Line;
