/**
 * Who is connected here, as the room is to know it: while somebody is, their place is kept. It is told of a user's first
 * connection and of their last one's end, however many there are between; saying it twice does no harm.
 */
import { connected, disconnected, type RoomAddress } from '../../actors/waiting-room-requests.ts';

interface Attendant {
  connections: number;
  /** Whether the room has them down as connected. */
  presence: 'unknown' | 'asked' | 'known';
}

const partAgainMs = 1_000;

export class Attendance {
  readonly #room: RoomAddress;
  readonly #attendants = new Map<string, Attendant>();
  /** How many are unknown: mostly nobody, and then nobody need be looked up. */
  #unknown = 0;

  constructor(room: RoomAddress) {
    this.#room = room;
  }

  came(userId: string): void {
    const present = this.#attendants.get(userId);
    if (present) present.connections++;
    else {
      this.#attendants.set(userId, { connections: 1, presence: 'unknown' });
      this.#unknown++;
    }
    this.announce(userId);
  }

  went(userId: string): void {
    const attendant = this.#attendants.get(userId);
    if (!attendant || --attendant.connections > 0) return;
    this.#attendants.delete(userId);
    if (attendant.presence === 'known') this.#part(userId);
    else if (attendant.presence === 'unknown') this.#unknown--;
  }

  /** Tells the room of somebody whom it does not know of yet; to be called again and again, for it may have had no time. */
  announce(userId: string): void {
    if (this.#unknown === 0) return;
    const attendant = this.#attendants.get(userId);
    if (attendant?.presence !== 'unknown') return;
    attendant.presence = 'asked';
    this.#unknown--;
    connected(this.#room, userId, (outcome) => {
      attendant.presence = outcome.ok ? 'known' : 'unknown';
      if (attendant.connections > 0) this.#unknown += outcome.ok ? 0 : 1;
      else if (outcome.ok) this.#part(userId);
    });
  }

  /** The room knows of nobody here, for it has moved: all are to be announced anew. */
  forgotten(): void {
    for (const attendant of this.#attendants.values()) {
      if (attendant.presence !== 'known') continue;
      attendant.presence = 'unknown';
      this.#unknown++;
    }
  }

  /** Until the room has heard it, it would keep the place of somebody who is gone. */
  #part(userId: string): void {
    if (this.#attendants.has(userId)) return;
    disconnected(this.#room, userId, (outcome) => {
      if (!outcome.ok && outcome.rejection.code !== 'NOT_FOUND')
        setTimeout(() => this.#part(userId), partAgainMs).unref();
    });
  }
}
