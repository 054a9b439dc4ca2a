/**
 * What prom-client tells of every Node process, where it costs a sale nothing, and the longest turn of the event loop.
 * What the process does is telemetry.ts's.
 */
import { readdir, stat } from 'node:fs/promises';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

export function showProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: periodMs });
  showLoopLag(registry);
  showOpenFiles(registry);
}

/** How often prom-client's monitor of the event loop looks. Each look wakes an idle process. */
const periodMs = 10;

/**
 * How long the event loop was away at most, since somebody asked last. The monitor knows that, but for the turn in which it
 * is asked: it is reset there, and forgets it.
 */
function showLoopLag(registry: Registry): void {
  const monitor = registry.getSingleMetric('nodejs_eventloop_lag_max_seconds') as Gauge;
  let ofReadingMs = 0;
  new Gauge({
    name: 'event_loop_lag_seconds',
    help: 'The longest turn of the event loop since the last reading',
    registers: [registry],
    // Called after the collector that reads and resets the monitor: they run in the order of their registration.
    async collect() {
      const resetMs = performance.now();
      const [longest] = (await monitor.get()).values;
      const seenMs = (longest?.value ?? 0) * 1e3 - periodMs;
      this.set(Math.max(0, seenMs, ofReadingMs) / 1e3);
      ofReadingMs = 0;
      setTimeout(() => {
        ofReadingMs = performance.now() - resetMs - periodMs;
      }, periodMs).unref();
    },
  });
}

/** In the place of prom-client's, which reads the directory in the turn of the reader: 12 – 15 ms with 15 000 sockets. */
function showOpenFiles(registry: Registry): void {
  const name = 'process_open_fds';
  if (registry.getSingleMetric(name) === undefined) return;
  registry.removeSingleMetric(name);
  new Gauge({
    name,
    help: 'Number of open file descriptors.',
    registers: [registry],
    async collect() {
      this.set(await openFiles('/proc/self/fd'));
    },
  });
}

/** Since Linux 6.2 the size of the directory is the number of files (proc_pid_fd(5)); before, it is 0. */
async function openFiles(directory: string): Promise<number> {
  const { size } = await stat(directory);
  // Read, it counts itself.
  return size > 0 ? size : (await readdir(directory)).length - 1;
}
