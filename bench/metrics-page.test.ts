import { describe, expect, it } from 'vitest';
import { compareMetrics, parseMetrics } from './metrics-page.ts';

const page = (one: number, two: number, more: number, luaSum: number) =>
  parseMetrics(`# HELP zone_batch_size Requests in one batch
# TYPE zone_batch_size histogram
zone_batch_size_bucket{le="1"} ${one}
zone_batch_size_bucket{le="2"} ${two}
zone_batch_size_bucket{le="+Inf"} ${more}
zone_batch_size_sum ${one + 2 * (two - one) + 4 * (more - two)}
zone_batch_size_count ${more}
zone_batch_seconds_sum{stage="lua"} ${luaSum}
zone_batch_seconds_count{stage="lua"} ${more}
nodejs_eventloop_lag_p99_seconds 0.0125
`);

describe('compareMetrics', () => {
  it('tells what lies between two pages', () => {
    expect(compareMetrics(page(5, 7, 8, 1), page(15, 27, 38, 1.3))).toEqual({
      batchSizes: { 1: 10, 2: 10, '+Inf': 10 },
      batchMean: 70 / 30,
      stageMs: { lua: expect.closeTo(10, 6) },
      eventLoopP99Ms: 12.5,
    });
  });

  it('knows nothing of a server that has none of these', () => {
    expect(compareMetrics(parseMetrics('up 1\n'), parseMetrics('up 1\n'))).toEqual({
      ...{ batchSizes: {}, batchMean: null, stageMs: {}, eventLoopP99Ms: null },
    });
  });
});
