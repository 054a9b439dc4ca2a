import { describe, expect, it } from 'vitest';
import { figuresOf, type LoadFigures, recoverySeconds } from '../figures.ts';
import type { Load } from '../load/job.ts';
import { openTally, recordInto } from '../load/tally.ts';
import { compareReports, medianOf } from './compare.ts';
import { markdownOf } from './markdown.ts';
import type { Report } from './report.ts';

const load: Load = {
  ...{
    label: 'reserve',
    loop: 'open',
    spacing: 'even',
    herd: null,
    connections: 2,
    timeoutMs: 1_000,
    unsentMs: 1_000,
    seed: 1,
  },
  profile: [{ ratePerSecond: 100, seconds: 3 }],
  warmUpSeconds: 1,
};

/** Three seconds, so many requests in each, each accepted after `latencyMs` of its second. */
function figures(perSecond: number, latencyMs: readonly number[]): LoadFigures {
  const tally = openTally();
  const recorder = recordInto(tally, 0, load.warmUpSeconds);
  latencyMs.forEach((ms, second) => {
    for (let i = 0; i < perSecond; i++) {
      const intendedMs = second * 1_000 + i;
      recorder.due(intendedMs);
      const doneMs = intendedMs + ms;
      recorder.settled({
        intendedMs,
        sentMs: intendedMs,
        doneMs,
        verdict: 'accepted',
        reason: '201',
        isUnknown: false,
      });
    }
  });
  const cpuSeconds = { server: perSecond * 1e-4, redis: null, postgres: null, generator: null };
  const cost = { cpuSeconds, residentMb: { before: null, most: null, after: null } };
  return figuresOf({ subject: 'onsale', load, tally, cost, lateness: { p99Ms: 0, maxMs: 0 }, server: null });
}

const report = (loads: readonly LoadFigures[], more: Partial<Report> = {}): Report => ({
  ...{ scenario: 'reserve', at: '2026-01-01T00:00:00.000Z', commandLine: 'onsale bench reserve' },
  machine: { cpu: 'c', cores: 2, memoryGb: 1, system: 's', node: 'v20', loadBefore: 0, commit: 'abc' },
  ...{
    generators: 1,
    serverCores: 0,
    driver: 'reserve',
    holdSeconds: 600,
    subjects: [],
    observations: [],
    broken: [],
    loads,
  },
  sale: { users: 1, zones: 1, seatsPerZone: 1, maxPerUser: 1 },
  ...more,
});

describe('figures', () => {
  it('states rates of the measured seconds only', () => {
    const { perSecond, offered, offeredPerSecond, all } = figures(50, [400, 2, 2]);
    expect({ perSecond: perSecond.accepted, offered, offeredPerSecond }).toEqual({
      ...{ perSecond: 50, offered: 100, offeredPerSecond: 50 },
    });
    expect(all.max).toBeLessThan(3);
  });

  it('finds when it is normal again', () => {
    expect(recoverySeconds(figures(5, [90, 1, 1, 1]), 1, 20)).toBe(0);
    expect(recoverySeconds(figures(5, [1, 90, 1, 1, 1]), 1, 20)).toBe(1);
    expect(recoverySeconds(figures(5, [1, 1, 90, 1, 1, 1, 90]), 1, 20)).toBe(2);
    expect(recoverySeconds(figures(5, [1, 1, 90, 1, 1]), 1, 20)).toBe(null);
  });
});

describe('compareReports', () => {
  it('prints ratios of the medians of each load', () => {
    const runs = [10, 30, 1_000].map((perSecond) => figures(perSecond, [1, 1, 1]));
    const lines = compareReports(report([figures(60, [2, 2, 2])]), report(runs)).join('\n');
    expect(lines).toMatch(/accepted\/s +60\.0 +30\.0 +× 0\.50/);
    expect(lines).toMatch(/P50 ms +2\.0 +1\.0 +× 0\.50/);
    expect(lines).toMatch(/server CPU µs +50\.0 +50\.0 +× 1\.00/);
    expect(lines).not.toContain('Redis');
  });

  it('says when reports cannot be compared', () => {
    const other = report([], { scenario: 'soldout', broken: ['lost one'] });
    const lines = compareReports(report([figures(1, [1, 1, 1])]), other).join('\n');
    for (const warning of ['no score', 'different scenarios', 'no load is in both']) expect(lines).toContain(warning);
  });

  it('takes the middle of an even number, and nothing of nothing', () => {
    const loads = [1, 2, 4, 8].map((perSecond) => figures(perSecond, [1, 1, 1]));
    expect(medianOf(loads, ({ perSecond }) => perSecond.accepted)).toBe(3);
    expect(medianOf(loads, () => null)).toBe(null);
  });
});

describe('markdownOf', () => {
  it('gives no score to a run that broke a promise', () => {
    const loads = [figures(5, [1, 1, 1])];
    expect(markdownOf(report(loads), []).join('\n')).toContain('Every promise that was examined held');
    const broken = markdownOf(report(loads, { broken: ['a booking was lost'] }), []).join('\n');
    expect(broken).toContain('NO SCORE');
    expect(broken).toContain('a booking was lost');
  });
});
