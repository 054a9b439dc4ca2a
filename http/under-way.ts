/**
 * What is under way, in order of arrival, as neighbours that know each other. A Set would do the same, but V8 gives each
 * table that a churning Set or Map outgrows a pointer to the next one (OrderedHashTable::Rehash): once one of them is in
 * the old generation, dead or not, all that follow survive, and with them whatever was under way. A full collection each
 * second and a third of all garbage collection went away with that.
 */

export interface Neighbour<Item> {
  earlier: Item | null;
  later: Item | null;
}

export class UnderWay<Item extends Neighbour<Item>> {
  #oldest: Item | null = null;
  #newest: Item | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** From here each one's `later` leads on. */
  get oldest(): Item | null {
    return this.#oldest;
  }

  /** @param item Not among them. */
  add(item: Item): void {
    item.earlier = this.#newest;
    if (this.#newest === null) this.#oldest = item;
    else this.#newest.later = item;
    this.#newest = item;
    this.#size++;
  }

  /** @param item Among them. */
  remove(item: Item): void {
    const { earlier, later } = item;
    if (earlier === null) this.#oldest = later;
    else earlier.later = later;
    if (later === null) this.#newest = earlier;
    else later.earlier = earlier;
    item.earlier = null;
    item.later = null;
    this.#size--;
  }
}
