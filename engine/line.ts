/**
 * People in the order of their places: who is first, how many wait up to a place, and a summary for everybody at once.
 *
 * Places are 1, 2, 3 … and are never given twice. Those that are gone are counted in a Fenwick tree (Peter Fenwick, "A
 * new data structure for cumulative frequency tables", 1994), so that joining, leaving and asking cost O(log n) each.
 * Since nobody enters but at the end, a position only ever gets better.
 */

/** What everybody in a line needs to work out their own position: see `positionFrom`. */
export interface LineSummary {
  /** The last place in front of the first person who waits. */
  readonly head: number;
  /** The last place that was given. */
  readonly tail: number;
  /** How many places up to `head + i × (tail − head) / n` are gone, for i = 1 … n; shorter lines have fewer. */
  readonly gone: readonly number[];
}

export class Line<Person> {
  /** By place − 1; undefined: gone. */
  #people: (Person | undefined)[] = [];
  /** tree[i] counts those gone among the places (i − lowest bit of i, i]. */
  #tree = new Int32Array(64);
  #head = 0;
  #gone = 0;

  get waiting(): number {
    return this.#people.length - this.#gone;
  }

  /** Adds somebody at the end and answers their place. */
  enter(person: Person): number {
    this.#people.push(person);
    const place = this.#people.length;
    if (place >= this.#tree.length) this.#grow();
    this.#tree[place] = this.goneUpTo(place - 1) - this.goneUpTo(place - (place & -place));
    return place;
  }

  /** Takes somebody out; a place that is gone already stays so. */
  remove(place: number): void {
    if (this.#people[place - 1] === undefined) return;
    this.#people[place - 1] = undefined;
    this.#gone++;
    for (let at = place; at <= this.#people.length; at += at & -at) (this.#tree[at] as number)++;
    while (this.#head < this.#people.length && this.#people[this.#head] === undefined) this.#head++;
  }

  first(): Person | undefined {
    return this.#people[this.#head];
  }

  /** How many wait at this place or before it: 1 for the first. */
  position(place: number): number {
    return place - this.goneUpTo(place);
  }

  goneUpTo(place: number): number {
    let gone = 0;
    for (let at = place; at > 0; at -= at & -at) gone += this.#tree[at] as number;
    return gone;
  }

  /** Those who wait, in order. */
  *[Symbol.iterator](): Generator<Person> {
    for (let at = this.#head; at < this.#people.length; at++) {
      const person = this.#people[at];
      if (person !== undefined) yield person;
    }
  }

  /** @param bucketsMax How finely those who left in the middle are told. */
  summary(bucketsMax: number): LineSummary {
    const head = this.#head;
    const tail = this.#people.length;
    const buckets = Math.min(bucketsMax, tail - head);
    const gone = Array.from({ length: buckets }, (_, index) => this.goneUpTo(boundary(head, tail, index + 1, buckets)));
    return { head, tail, gone };
  }

  #grow(): void {
    const larger = new Int32Array(2 * this.#tree.length);
    larger.set(this.#tree);
    this.#tree = larger;
  }
}

const boundary = (head: number, tail: number, index: number, buckets: number): number =>
  head + Math.floor((index * (tail - head)) / buckets);

/**
 * The position of a place as far as a summary tells it: exact at the borders of the buckets, and between them never
 * better than the truth, so that a client that keeps its best one never sees it get worse. 0: the place is gone.
 */
export function positionFrom({ head, tail, gone }: LineSummary, place: number): number {
  if (place <= head) return 0;
  const known = gone.findLastIndex((_, index) => boundary(head, tail, index + 1, gone.length) <= place);
  return place - (known < 0 ? head : (gone[known] as number));
}
