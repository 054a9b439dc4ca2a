import { Counter, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createSpreads, createTally } from './tally.ts';

const shown = { name: 'waits_seconds', help: 'How long' };

/** The lines of a registry in any order, their labels in alphabetical order. */
async function linesOf(registry: Registry): Promise<string[]> {
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '');
  return lines.map((line) => line.replace(/\{(.*)\}/, (_, labels) => `{${labels.split(',').sort().join()}}`)).sort();
}

describe('a spread', () => {
  const bounds = [0.1, 0.5, 2];
  const measures = [0, 0.1, 0.1000001, 0.3, 0.5, 1, 2, 2.5, 1e6];

  it('reads as a histogram of prom-client that was given the same measures', async () => {
    const registries = [new Registry(), new Registry()] as const;
    const ours = createSpreads([registries[0]], { ...shown, label: 'path', bounds });
    const theirs = new Histogram({ ...shown, labelNames: ['path'], buckets: bounds, registers: [registries[1]] });
    for (const [at, measure] of measures.entries()) {
      const path = at % 3 === 0 ? '/a' : '/b';
      ours.of(path).note(measure);
      theirs.observe({ path }, measure);
    }
    expect(await linesOf(registries[0])).toEqual(await linesOf(registries[1]));
    expect(await linesOf(registries[0]), 'reading changes nothing').toEqual(await linesOf(registries[1]));
  });

  it('without a label is shown before anything was measured', async () => {
    const registries = [new Registry(), new Registry()] as const;
    const ours = createSpreads([registries[0]], { ...shown, label: null, bounds });
    const theirs = new Histogram({ ...shown, buckets: bounds, registers: [registries[1]] });
    expect(await linesOf(registries[0])).toEqual(await linesOf(registries[1]));
    ours.of('').note(0.2);
    theirs.observe(0.2);
    expect(await linesOf(registries[0])).toEqual(await linesOf(registries[1]));
  });
});

describe('a tally', () => {
  it('reads as a counter of prom-client that was stepped as often, however often it is read', async () => {
    const registries = [new Registry(), new Registry()] as const;
    const named = { name: 'answers_total', help: 'Answers', labelNames: ['path', 'status'] };
    const ours = createTally([registries[0]], named);
    const theirs = new Counter({ ...named, registers: [registries[1]] });
    for (let round = 0; round < 3; round++) {
      for (const status of [201, 201, 409]) {
        ours.of('/a').of(status).count++;
        theirs.inc({ path: '/a', status });
      }
      expect(await linesOf(registries[0])).toEqual(await linesOf(registries[1]));
    }
  });
});
