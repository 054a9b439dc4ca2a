/** Chance that can be had again: the same seed draws the same numbers (mulberry32 by Tommy Ettinger, public domain). */

export interface Chance {
  /** Uniform in [0, 1). */
  next(): number;
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number;
  /** One of the names, each as likely as its weight says. */
  pick<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
}

export function chanceFrom(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
    pick(weights) {
      const names = Object.keys(weights) as (keyof typeof weights)[];
      let left = next() * names.reduce((sum, name) => sum + weights[name], 0);
      const picked = names.find((name) => {
        left -= weights[name];
        return left < 0;
      });
      return picked ?? (names.at(-1) as keyof typeof weights);
    },
  };
}
