/** The ways in which a call to a store can go wrong, chosen by chance and counted. */
import type { Wire } from '../../persistence/memory/wire.ts';
import type { SimulatedWorld } from './world.ts';

/**
 * What becomes of one call. `before`: lost on its way, nothing happened. `after`: it happened and its answer was lost.
 * `late`: the caller has given up when it happens.
 */
export const fates = ['before', 'after', 'late'] as const;
type Fate = (typeof fates)[number] | 'answered';

export class Tally {
  readonly counts = new Map<string, number>();

  add(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  addAll(other: Tally): void {
    for (const [what, count] of other.counts) this.counts.set(what, (this.counts.get(what) ?? 0) + count);
  }
}

export interface Weather {
  /** Chance of each of the three losses, per call. */
  loss: number;
}

/** Carries calls through `world`: each takes its time, and some are lost. `happened` runs after each effect. */
export function faultyWire(
  world: SimulatedWorld,
  weather: Weather,
  seen: { readonly tally: Tally; readonly happened: (call: string) => void },
): Wire {
  const lag = () => 0.2 + 3 * world.random.next() + (world.random.next() < 0.03 ? 200 * world.random.next() : 0);
  const fateOf = (): Fate => {
    const drawn = world.random.next();
    return fates.find((_, index) => drawn < (index + 1) * weather.loss) ?? 'answered';
  };
  return (call, effect) =>
    new Promise((resolve, reject) => {
      const fate = fateOf();
      if (fate !== 'answered') seen.tally.add(`${call} lost ${fate}`);
      const lose = (delayMs: number) =>
        world.later(delayMs, `${call} lost ${fate}`, () => reject(new Error(`${call}: no answer`)));
      const happen = (answered: boolean) => {
        const outcome = attempt(effect);
        seen.happened(call);
        if (!answered) return;
        world.later(lag(), `${call} answered`, () => (outcome.ok ? resolve(outcome.value) : reject(outcome.error)));
      };
      if (fate === 'before') lose(lag());
      else if (fate === 'late') {
        lose(lag());
        world.later(3 + 60 * world.random.next(), `${call} happens late`, () => happen(false));
      } else {
        world.later(lag(), `${call} happens`, () => {
          happen(fate === 'answered');
          if (fate === 'after') lose(lag());
        });
      }
    });
}

function attempt<T>(
  effect: () => T,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown } {
  try {
    return { ok: true, value: effect() };
  } catch (error) {
    return { ok: false, error };
  }
}
