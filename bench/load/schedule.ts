/**
 * When requests are due. Arrivals follow the clock and nothing else: that a server is slow never makes the next buyer
 * come later, which is what keeps an open-loop measurement honest.
 */
import type { Chance } from '../chance.ts';

/** A rate that holds for some time. A profile is a list of such steps: constant load, a staircase, a spike. */
export interface Step {
  readonly ratePerSecond: number;
  readonly seconds: number;
}

/** One generator process of several: each draws its own part of the arrivals. */
export interface Share {
  readonly index: number;
  readonly count: number;
}

/** Gives the next arrival in milliseconds since the start; Infinity when no more will come. */
export type Arrivals = () => number;

/**
 * Arrivals of one share. They are placed on the axis of expected arrivals (evenly, or a unit of exponential chance
 * apart: then they are a Poisson process) and mapped back to time through the inverse of the profile's integral, so
 * that a change of rate neither loses nor doubles one.
 */
export function scheduleArrivals(profile: readonly Step[], share: Share, chance: Chance | null): Arrivals {
  const gap = () => (chance ? -Math.log(1 - chance.next()) : 1);
  // Even shares interleave: each begins at another fraction of the gap.
  let expected = chance ? gap() : (share.index + 0.5) / share.count;
  let at = 0;
  let expectedBefore = 0;
  let secondsBefore = 0;
  return () => {
    for (; at < profile.length; at++) {
      const { ratePerSecond, seconds } = profile[at] as Step;
      const rate = ratePerSecond / share.count;
      const expectedHere = rate * seconds;
      if (expected < expectedBefore + expectedHere) {
        const dueSeconds = secondsBefore + (expected - expectedBefore) / rate;
        expected += gap();
        return dueSeconds * 1_000;
      }
      expectedBefore += expectedHere;
      secondsBefore += seconds;
    }
    return Number.POSITIVE_INFINITY;
  };
}

export function secondsOf(profile: readonly Step[]): number {
  return profile.reduce((sum, { seconds }) => sum + seconds, 0);
}

export function requestsOf(profile: readonly Step[]): number {
  return profile.reduce((sum, { ratePerSecond, seconds }) => sum + ratePerSecond * seconds, 0);
}
