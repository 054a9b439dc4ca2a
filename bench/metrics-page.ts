/** The server's own figures: reads /metrics before and after, and tells what lies between. */

/** Series (name with its labels) to value. */
export type MetricsPage = ReadonlyMap<string, number>;

export interface ServerFigures {
  /** Batches by size: upper bound to how many were that large and larger than the bound before. */
  readonly batchSizes: Readonly<Record<string, number>>;
  readonly batchMean: number | null;
  /** Mean of a batch's stage, in milliseconds. */
  readonly stageMs: Readonly<Record<string, number>>;
  /** Of Node's event loop, as the server itself saw it last. */
  readonly eventLoopP99Ms: number | null;
}

const sample = /^([a-z_:][a-z0-9_:]*(?:\{.*\})?) ([^ ]+)/i;

/** With a new connection each time, the system leads us to each member of a port sooner or later. */
const triesPerMember = 50;

/** Null when there is no such page. Of several members behind one port, the sums. */
export async function readMetrics(baseUrl: string, members = 1): Promise<MetricsPage | null> {
  const pages = new Map<string, MetricsPage>();
  for (let tries = 0; tries < triesPerMember * members && pages.size < members; tries++) {
    const page = await readOnePage(baseUrl);
    const name = page && [...page.keys()].find((series) => series.startsWith('node_info'));
    if (page) pages.set(name ?? '', page);
    else if (members === 1) return null;
  }
  return pages.size < members ? null : sumOf([...pages.values()]);
}

async function readOnePage(baseUrl: string): Promise<MetricsPage | null> {
  try {
    const headers = { connection: 'close' };
    const response = await fetch(`${baseUrl}/metrics`, { headers, signal: AbortSignal.timeout(5_000) });
    return response.ok ? parseMetrics(await response.text()) : null;
  } catch {
    return null;
  }
}

function sumOf(pages: readonly MetricsPage[]): MetricsPage {
  const sum = new Map<string, number>();
  for (const page of pages) for (const [series, value] of page) sum.set(series, (sum.get(series) ?? 0) + value);
  return sum;
}

/** The text format of Prometheus, without its comments. */
export function parseMetrics(text: string): MetricsPage {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, series, value] = sample.exec(line) ?? [];
      return series === undefined ? [] : [[series, Number(value)] as const];
    }),
  );
}

export function compareMetrics(before: MetricsPage, after: MetricsPage): ServerFigures {
  const grown = (series: string) => (after.get(series) ?? 0) - (before.get(series) ?? 0);
  const mean = (name: string, labels = '') => {
    const count = grown(`${name}_count${labels}`);
    return count === 0 ? null : grown(`${name}_sum${labels}`) / count;
  };
  const bounds = [...after.keys()].flatMap((series) => /^zone_batch_size_bucket\{le="(.+)"\}$/.exec(series)?.[1] ?? []);
  let below = 0;
  const batchSizes: Record<string, number> = {};
  for (const bound of bounds) {
    const upTo = grown(`zone_batch_size_bucket{le="${bound}"}`);
    batchSizes[bound] = upTo - below;
    below = upTo;
  }
  const stages = ['lua', 'commit'].flatMap((stage) => {
    const seconds = mean('zone_batch_seconds', `{stage="${stage}"}`);
    return seconds === null ? [] : [[stage, seconds * 1_000] as const];
  });
  const p99Seconds = after.get('nodejs_eventloop_lag_p99_seconds');
  return {
    batchSizes,
    batchMean: mean('zone_batch_size'),
    stageMs: Object.fromEntries(stages),
    eventLoopP99Ms: p99Seconds === undefined ? null : p99Seconds * 1_000,
  };
}
