/**
 * Nodes that follow a waiting room, to tell those who are connected to them. Each asks again and again, and is answered as
 * soon as there is something to tell: a node that asks no more is forgotten, and one that asks another owner misses
 * nothing that still holds.
 */
import { accept, type Refused } from '../engine/outcome.ts';
import type { Reply } from './kit.ts';
import type { RoomListener, RoomNews, Told } from './waiting-room-requests.ts';

/** What a node that follows has not heard yet, in order. */
export interface Followed {
  readonly told: readonly Told[];
}

/** A node that has not asked for so long, while there was news, is taken to be gone. */
const silentMs = 10_000;

export class RoomFollowers {
  readonly #listeners: Set<RoomListener>;
  readonly #followers = new Map<string, Follower>();

  readonly #forgotten: (node: string) => void;

  /** `forgotten` is told of each that follows no more. */
  constructor(listeners: Set<RoomListener>, forgotten: (node: string) => void) {
    this.#listeners = listeners;
    this.#forgotten = forgotten;
  }

  /** Answers `reply` with what comes next. A node that was not known gets `present` first. */
  follow(node: string, reply: Reply<Followed>, present: () => readonly Told[]): void {
    let follower = this.#followers.get(node);
    if (!follower) {
      follower = new Follower([['anew'], ...present()], () => this.#forget(node));
      this.#followers.set(node, follower);
      this.#listeners.add(follower);
    }
    follower.ask(reply);
  }

  /** The room ends here: who follows has to ask elsewhere. */
  end(refusal: Refused): void {
    for (const [node, follower] of this.#followers) {
      follower.refuse(refusal);
      this.#forget(node);
    }
  }

  #forget(node: string): void {
    const follower = this.#followers.get(node);
    this.#followers.delete(node);
    if (!follower) return;
    this.#listeners.delete(follower);
    this.#forgotten(node);
  }
}

class Follower implements RoomListener {
  readonly #gone: () => void;
  #told: Told[];
  #reply: Reply<Followed> | null = null;
  /** Since when there is news that it has not asked for; null: it is waiting for more. */
  #silentSinceMs: number | null = null;

  constructor(present: readonly Told[], gone: () => void) {
    this.#told = [...present];
    this.#gone = gone;
  }

  ask(reply: Reply<Followed>): void {
    // An earlier question was given up by who asked it.
    this.#reply?.(accept({ told: [] }));
    this.#reply = reply;
    this.#silentSinceMs = null;
    if (this.#told.length > 0) this.#answer();
  }

  refuse(refusal: Refused): void {
    this.#reply?.(refusal);
    this.#reply = null;
  }

  anew(): void {
    this.#tell(['anew']);
  }

  tick(news: RoomNews): void {
    if (!this.#reply) {
      this.#silentSinceMs ??= news.atMs;
      if (news.atMs - this.#silentSinceMs > silentMs) this.#gone();
    }
    // Of news, only the last are of interest.
    this.#told = this.#told.filter(([what]) => what !== 'tick');
    this.#tell(['tick', news]);
  }

  admitted(...told: Parameters<RoomListener['admitted']>): void {
    this.#tell(['admitted', ...told]);
  }

  left(...told: Parameters<RoomListener['left']>): void {
    this.#tell(['left', ...told]);
  }

  personal(...told: Parameters<RoomListener['personal']>): void {
    this.#tell(['personal', ...told]);
  }

  #tell(one: Told): void {
    this.#told.push(one);
    if (this.#reply) this.#answer();
  }

  #answer(): void {
    const [reply, told] = [this.#reply, this.#told];
    this.#reply = null;
    this.#told = [];
    reply?.(accept({ told }));
  }
}
