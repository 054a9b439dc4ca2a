/** Time as the sandbox sees it: a seam, so that tests of retries and delays need not wait. */
export interface SandboxClock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Runs once after the delay; the answer cancels it. */
  after(delayMs: number, run: () => void): () => void;
}

export const wallClock: SandboxClock = {
  nowMs: Date.now,
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
