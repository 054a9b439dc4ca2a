import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { createMetrics, describeError, gauges, type Metrics } from './telemetry.ts';

describe('docs/metrics.md', () => {
  it('lists exactly the metrics that there are, with their types', async () => {
    const metrics = createMetrics();
    for (const name of Object.keys(gauges)) metrics.gauge(name as keyof typeof gauges, () => 1);
    metrics.nodeInfo('n');
    metrics.consumerLag(async () => [{ topic: 't', events: 1 }]);
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

describe('a gauge', () => {
  it('that cannot be read is not shown, and takes no other along', async () => {
    const metrics = createMetrics();
    let away = false;
    metrics.gauge('saga_stuck', () => (away ? Promise.reject(new Error('PostgreSQL is away')) : 3));
    metrics.gauge('queue_waiting', () => 7);
    metrics.consumerLag(() => Promise.reject(new Error('no broker')));
    expect(await metrics.text()).toContain('\nsaga_stuck 3\n');
    away = true;
    const text = await metrics.text();
    expect(text).toContain('\nqueue_waiting 7\n');
    expect(text).not.toMatch(/^saga_stuck /m);
  });

  it('that hangs is given up', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const metrics = createMetrics();
    metrics.gauge('outbox_backlog', () => new Promise(() => {}));
    const text = metrics.text();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await text).not.toMatch(/^outbox_backlog /m);
    vi.useRealTimers();
  });

  it('shows the longest turn of the event loop since the last reading', async () => {
    const metrics = createMetrics();
    const lag = () => read(metrics, 'event_loop_lag_seconds');
    await lag();
    beBusy(300);
    expect(await lag()).toBeGreaterThan(0.1);
  });

  it('shows the turn of a reading at the next one', async () => {
    const metrics = createMetrics();
    metrics.gauge('queue_waiting', () => beBusy(300));
    const lag = () => read(metrics, 'event_loop_lag_seconds');
    await lag();
    await vi.waitUntil(async () => (await lag()) > 0.1);
  });

  it('shows how many files are open', async () => {
    const metrics = createMetrics();
    const files = () => read(metrics, 'process_open_fds');
    const before = await files();
    const opened = await Promise.all(Array.from({ length: 40 }, () => open('/dev/null')));
    const after = await files();
    for (const file of opened) await file.close();
    // Others open and close files meanwhile.
    expect(after).toBeGreaterThan(before + 20);
  });
});

/** The value of a metric without labels. */
async function read(metrics: Metrics, name: string): Promise<number> {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await metrics.text())?.[1]);
}

function beBusy(ms: number): number {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
  return ms;
}

describe('an error in the log', () => {
  it('shows what happened and nothing that a driver hung on it', () => {
    const inner = Object.assign(new Error('no route'), { password: 'secret' });
    const error = Object.assign(new Error('lost', { cause: inner }), { code: '57P01', client: { password: 'secret' } });
    const described = describeError(error);
    expect(described).toMatchObject({ message: 'lost', code: '57P01', cause: { message: 'no route' } });
    expect(JSON.stringify(described)).not.toContain('secret');
    expect(describeError('a string')).toBe('a string');
  });
});

describe('what is counted with each request', () => {
  it('is what a reader sees, at each reading', async () => {
    const metrics = createMetrics();
    const request = { path: '/x', method: 'GET', status: 200, seconds: 0.1 };
    metrics.observeHttp(request);
    metrics.observeHttp(request);
    metrics.observeHttp({ ...request, status: 404 });
    metrics.reservation('reserved');
    metrics.reservation('SERVICE_UNAVAILABLE');
    expect(await metrics.text()).toContain('http_requests_total{path="/x",method="GET",status="200"} 2');
    metrics.observeHttp(request);
    const text = await metrics.text();
    expect(text).toContain('http_requests_total{path="/x",method="GET",status="200"} 3');
    expect(text).toContain('http_requests_total{path="/x",method="GET",status="404"} 1');
    expect(text).toContain('booking_reservations_total{result="reserved"} 1');
    expect(text).toContain('booking_reservation_failures 1');
  });
});
