/**
 * How the answers of the stores in memory travel. A simulation hands its own wire in: it decides when an effect happens,
 * when its answer arrives, and which answers never do.
 */

/** Runs `effect` at a moment of its choice. Rejects when no answer will come; the effect may then have happened. */
export type Wire = <T>(call: string, effect: () => T) => Promise<T>;

/** Everything happens at once and every answer arrives. */
export const direct: Wire = async (_call, effect) => effect();
