import { describe, expect, it } from 'vitest';
import { herd, overload } from './crowds.ts';
import { figuresOf, type LoadFigures } from './figures.ts';
import { growthOf } from './footprint.ts';
import type { Load } from './load/job.ts';
import { openTally, recordInto, undeclared, type Verdict } from './load/tally.ts';
import { readLoadOptions } from './load-options.ts';

const load: Load = {
  ...{
    label: 'crowd',
    loop: 'open',
    spacing: 'even',
    herd: null,
    connections: 1,
    timeoutMs: 1_000,
    unsentMs: 1_000,
    seed: 1,
  },
  profile: [{ ratePerSecond: 10, seconds: 20 }],
  warmUpSeconds: 0,
};

/** Answers of each second, each given at once. */
function figures(seconds: readonly Partial<Record<Verdict, number>>[], reason = '201', afterMb = 100): LoadFigures {
  const tally = openTally();
  const recorder = recordInto(tally, 0, 0);
  seconds.forEach((answers, second) => {
    for (const [verdict, count] of Object.entries(answers) as [Verdict, number][])
      for (let i = 0; i < count; i++) {
        const atMs = second * 1_000 + i;
        recorder.due(atMs);
        recorder.settled({ intendedMs: atMs, sentMs: atMs, doneMs: atMs + 1, verdict, reason, isUnknown: false });
      }
  });
  const cpuSeconds = { server: 0.5, redis: 0.1, postgres: null, generator: null };
  const cost = { cpuSeconds, residentMb: { before: 100, most: afterMb, after: afterMb } };
  return figuresOf({ subject: 'onsale', load, tally, cost, lateness: { p99Ms: 0, maxMs: 0 }, server: null });
}

const options = readLoadOptions(['--seconds', '2', '--warm-up', '0'], overload.defaults);
const calm = { accepted: 5 };

describe('the reading of an overload', () => {
  const read = (crowd: LoadFigures) => overload.read?.([figures(new Array(20).fill({ accepted: 10 })), crowd], options);

  it('states the goodput as a share of the peak', () => {
    const goodput = (accepted: number) =>
      read(figures([{ accepted, shed: 30 }, { accepted, shed: 30 }, calm], '503'))?.observations[1]?.aim?.met;
    expect([goodput(8), goodput(7)]).toEqual([true, false]);
  });

  it('knows whether memory came back', () => {
    const met = (mb: number) => read(figures([calm, calm, calm], '201', mb))?.observations.at(-1)?.aim?.met;
    expect([met(125), met(126)]).toEqual([true, false]);
  });

  it('takes the score from a run with an error that is no declared shedding', () => {
    expect(read(figures([{ accepted: 9, shed: 9 }], '503'))?.broken).toEqual([]);
    const broken = [`crowd: 2 answers were ${undeclared}500`];
    expect(read(figures([{ failed: 2 }], `${undeclared}500`))?.broken).toEqual(broken);
    expect(herd.read?.([figures([{ failed: 2 }], `${undeclared}500`)], options).broken).toEqual(broken);
  });
});

describe('growthOf', () => {
  it('counts bookings over all steps, and cost by step', () => {
    const growth = growthOf([figures([{ accepted: 10 }]), figures([{ accepted: 40, refused: 10 }])]);
    expect(growth.map(({ bookings }) => bookings)).toEqual([10, 50]);
    expect(growth.map(({ server }) => Math.round(server ?? 0))).toEqual([50_000, 10_000]);
    expect(growth[1]).toMatchObject({ residentMb: 100, postgres: null });
  });
});
