/**
 * "Was this idempotency key ever used in this zone?" in eight bytes or less a key. It may say yes for a key that was
 * not; it never says no for one that was. A sold-out zone answers from memory only when it says no: the others may be
 * retries of a success, which must get their booking again.
 *
 * Open addressing with linear probing over the first 32 bits of the key's hash, at most half full.
 */
import type { Hash16 } from './zone.ts';

export class KeyFilter {
  #slots = new Uint32Array(1_024);
  #used = 0;

  add(key: Hash16): void {
    this.addPrefix(prefixOf(key));
  }

  /** `prefix`: the first 32 bits of a key's hash. */
  addPrefix(prefix: number): void {
    if (2 * this.#used >= this.#slots.length) this.#grow();
    this.#insert(prefix || 1);
  }

  mayHave(key: Hash16): boolean {
    const wanted = prefixOf(key) || 1;
    const mask = this.#slots.length - 1;
    for (let at = wanted & mask; this.#slots[at] !== 0; at = (at + 1) & mask) {
      if (this.#slots[at] === wanted) return true;
    }
    return false;
  }

  /** Zero marks a free slot, so a prefix of zero is stored as one. */
  #insert(prefix: number): void {
    const mask = this.#slots.length - 1;
    let at = prefix & mask;
    while (this.#slots[at] !== 0) {
      if (this.#slots[at] === prefix) return;
      at = (at + 1) & mask;
    }
    this.#slots[at] = prefix;
    this.#used++;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Uint32Array(2 * before.length);
    this.#used = 0;
    for (const prefix of before) if (prefix !== 0) this.#insert(prefix);
  }
}

function prefixOf(key: Hash16): number {
  return Number.parseInt(key.slice(0, 8), 16);
}
