/**
 * The door of a waiting room on this node: an address that stays right wherever the room moves, and one question under way
 * to its owner for all who listen here.
 */
import type { Timers } from '../../engine/ports.ts';
import type { RoomAddress, RoomEntity, RoomListener, RoomNews, Told } from '../waiting-room-requests.ts';

export interface DoorDeps {
  readonly nodeId: string;
  readonly timers: Timers;
  readonly roomOf: (eventId: string) => RoomEntity;
}

/** How soon a room that could not be asked is asked again. */
const againMs = 500;

/** One door for all who listen to a room; whoever only asks gets one that is soon forgotten. */
export function createRoomDoors(deps: DoorDeps): (eventId: string) => RoomAddress {
  const followed = new Map<string, RoomDoor>();
  let made = 0;
  return (eventId) => {
    const known = followed.get(eventId);
    if (known) return known;
    const door: RoomDoor = new RoomDoor(eventId, {
      ...deps,
      nodeId: `${deps.nodeId}/${++made}`,
      follows: (does) => {
        if (does) followed.set(eventId, door);
        else if (followed.get(eventId) === door) followed.delete(eventId);
      },
    });
    return door;
  };
}

class RoomDoor implements RoomAddress {
  readonly door: string;
  readonly #eventId: string;
  readonly #deps: DoorDeps & { readonly follows: (does: boolean) => void };
  readonly #listeners = new Set<RoomListener>();
  #follows = false;
  news: RoomNews | null = null;

  constructor(eventId: string, deps: DoorDeps & { readonly follows: (does: boolean) => void }) {
    this.#eventId = eventId;
    this.#deps = deps;
    this.door = deps.nodeId;
  }

  send: RoomAddress['send'] = (request) => this.#deps.roomOf(this.#eventId).send(request);

  subscribe(listener: RoomListener): () => void {
    this.#listeners.add(listener);
    if (!this.#follows) this.#follow();
    return () => void this.#listeners.delete(listener);
  }

  #follow(): void {
    const follows = this.#listeners.size > 0;
    if (follows !== this.#follows) this.#deps.follows(follows);
    this.#follows = follows;
    if (!follows) {
      this.news = null;
      return;
    }
    this.send({
      kind: 'follow',
      node: this.#deps.nodeId,
      reply: (outcome) => {
        if (!outcome.ok) {
          this.#deps.timers.after(againMs, () => this.#follow());
          return;
        }
        for (const told of outcome.value.told) {
          if (told[0] === 'tick') this.news = told[1];
          for (const one of this.#listeners) hear(one, told);
        }
        this.#follow();
      },
    });
  }
}

function hear(listener: RoomListener, told: Told): void {
  switch (told[0]) {
    case 'anew':
      listener.anew();
      break;
    case 'tick':
      listener.tick(told[1]);
      break;
    case 'admitted':
      listener.admitted(told[1]);
      break;
    case 'left':
      listener.left(told[1], told[2], told[3]);
      break;
    case 'personal':
      listener.personal(told[1], told[2]);
      break;
  }
}
