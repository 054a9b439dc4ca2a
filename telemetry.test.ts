import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMetrics, gauges } from './telemetry.ts';

describe('docs/metrics.md', () => {
  it('lists exactly the metrics that there are, with their types', async () => {
    const metrics = createMetrics();
    for (const name of Object.keys(gauges)) metrics.gauge(name as keyof typeof gauges, () => 1);
    const text = await metrics.text();
    const ours = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].filter(
      ([, name]) => !/^(process|nodejs)_/.test(String(name)),
    );
    const documented = [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `(\S+)` \| (\w+) \|/gm)];
    const pairs = (found: RegExpMatchArray[]) => found.map(([, name, type]) => `${name} ${type}`).sort();
    expect(pairs(ours)).not.toEqual([]);
    expect(pairs(documented)).toEqual(pairs(ours));
  });
});
