import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Patience } from './patience.ts';

const waitMaxMs = 200;
const bounds = { waitMaxMs, least: 20, most: 10_000 };

/** Somebody who serves `batch` of a line every `turnMs`, while `arrivals` come in each turn; all in simulated time. */
interface Rush {
  readonly batch: number;
  readonly turnMs: number;
  readonly arrivals: number;
}

class Line {
  readonly patience = new Patience(bounds);
  readonly waitsMs: number[] = [];
  refused = 0;
  nowMs = 0;
  #cameMs: number[] = [];

  pass({ batch, turnMs, arrivals }: Rush, turns: number): void {
    for (let turn = 0; turn < turns; turn++) {
      for (let i = 0; i < arrivals; i++) {
        if (this.#cameMs.length < this.patience.lengthMax) this.#cameMs.push(this.nowMs);
        else this.refused++;
      }
      this.nowMs += turnMs;
      const served = this.#cameMs.splice(0, batch);
      this.waitsMs.push(...served.map((cameMs) => this.nowMs - cameMs));
      this.patience.note(served.length, this.#cameMs.length, this.nowMs);
    }
  }
}

describe('patience', () => {
  it('is as long as it may be while no pace is known', () => {
    expect(new Patience(bounds).lengthMax).toBe(10_000);
  });

  it('lets in who can be served in time, at any pace and however many come', () => {
    const rush = fc.record({
      batch: fc.integer({ min: 1, max: 10 }),
      turnMs: fc.integer({ min: 1, max: 20 }),
      factor: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(rush, ({ batch, turnMs, factor }) => {
        const line = new Line();
        line.pass({ batch, turnMs, arrivals: batch + 1 }, 2 + Math.ceil(waitMaxMs / turnMs));
        line.waitsMs.length = 0;
        const turns = 200;
        line.pass({ batch, turnMs, arrivals: batch * factor + 1 }, turns);
        const leastMs = (bounds.least / batch + 1) * turnMs;
        expect(Math.max(...line.waitsMs)).toBeLessThanOrEqual(Math.max(waitMaxMs + turnMs, leastMs));
        // And nobody is turned away for whom there would have been time: every batch was full.
        expect(line.waitsMs).toHaveLength(turns * batch);
      }),
    );
  });

  it('follows a pace that changes', () => {
    const line = new Line();
    line.pass({ batch: 10, turnMs: 10, arrivals: 50 }, 200);
    expect(line.patience.lengthMax).toBe(200);
    line.pass({ batch: 5, turnMs: 10, arrivals: 50 }, 200);
    expect(line.patience.lengthMax).toBeCloseTo(100, -1);
    line.pass({ batch: 20, turnMs: 10, arrivals: 50 }, 200);
    expect(line.patience.lengthMax).toBeCloseTo(400, -1);
  });

  it('learns nothing from an hour without a line', () => {
    const line = new Line();
    line.pass({ batch: 10, turnMs: 10, arrivals: 50 }, 200);
    line.pass({ batch: 10, turnMs: 10, arrivals: 0 }, 100);
    line.pass({ batch: 10, turnMs: 10, arrivals: 1 }, 360_000);
    expect(line.patience.lengthMax).toBe(200);
  });

  it('learns nothing from a time in which nobody could work', () => {
    const line = new Line();
    line.pass({ batch: 10, turnMs: 10, arrivals: 50 }, 200);
    line.patience.pause();
    line.nowMs += 60_000;
    line.pass({ batch: 10, turnMs: 10, arrivals: 50 }, 10);
    expect(line.patience.lengthMax).toBe(200);
  });

  it('never is less than the next batches need, however slow the last were', () => {
    const line = new Line();
    line.pass({ batch: 1, turnMs: 5_000, arrivals: 50 }, 50);
    expect(line.patience.lengthMax).toBe(bounds.least);
  });
});
