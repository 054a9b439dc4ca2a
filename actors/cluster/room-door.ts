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

/** Doors that nobody listens at are kept up to this number: anybody may ask for rooms that there are not. */
const doorsMax = 1_000;

/** One door for all who ask a room or listen to it. */
export function createRoomDoors(deps: DoorDeps): (eventId: string) => RoomAddress {
  const doors = new Map<string, RoomDoor>();
  let made = 0;
  return (eventId) => {
    const known = doors.get(eventId);
    if (known) return known;
    if (doors.size >= doorsMax) for (const [id, door] of doors) if (!door.isUsed) doors.delete(id);
    const door = new RoomDoor(eventId, { ...deps, nodeId: `${deps.nodeId}/${++made}` });
    doors.set(eventId, door);
    return door;
  };
}

class RoomDoor implements RoomAddress {
  readonly door: string;
  readonly #eventId: string;
  readonly #deps: DoorDeps;
  readonly #listeners = new Set<RoomListener>();
  #follows = false;
  news: RoomNews | null = null;

  constructor(eventId: string, deps: DoorDeps) {
    this.#eventId = eventId;
    this.#deps = deps;
    this.door = deps.nodeId;
  }

  send: RoomAddress['send'] = (request) => this.#deps.roomOf(this.#eventId).send(request);

  /** Somebody listens, or the room has not heard yet that nobody does. */
  get isUsed(): boolean {
    return this.#follows || this.#listeners.size > 0;
  }

  subscribe(listener: RoomListener): () => void {
    this.#listeners.add(listener);
    if (!this.#follows) this.#follow();
    return () => void this.#listeners.delete(listener);
  }

  #follow(): void {
    this.#follows = this.#listeners.size > 0;
    if (!this.#follows) {
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
