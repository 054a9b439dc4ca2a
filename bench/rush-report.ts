/** The figures of a rush as lines of text. */
import type { Ending } from './buyer.ts';
import type { RushResult } from './rush.ts';

export function rushTable(result: RushResult): readonly string[] {
  const { options, capacity, sold, seconds, endings, calls, troubles } = result;
  const { buyers, zones, seatsPerZone, holdSeconds, seed } = options;
  const returned = endings.expired.seats + endings.cancelled.seats + endings.refunded.seats;
  return [
    `rush: ${buyers} buyers, ${zones} zones of ${seatsPerZone} seats, holds of ${holdSeconds} s, seed ${seed}`,
    '',
    `${'ending'.padEnd(12)} ${'buyers'.padStart(8)} ${'seats'.padStart(8)}`,
    ...(Object.keys(endings) as Ending[]).map(
      (ending) =>
        `${ending.padEnd(12)} ${String(endings[ending].buyers).padStart(8)} ${String(endings[ending].seats).padStart(8)}`,
    ),
    '',
    `${'call'.padEnd(12)} ${'answered'.padStart(8)} ${'lost'.padStart(6)} ${'P50 ms'.padStart(9)} ${'P99 ms'.padStart(9)} ${'max ms'.padStart(9)}  by status`,
    ...calls.map(
      ({ call, answered, unanswered, byStatus, p50Ms, p99Ms, maxMs }) =>
        `${call.padEnd(12)} ${String(answered).padStart(8)} ${String(unanswered).padStart(6)} ${[p50Ms, p99Ms, maxMs]
          .map((ms) => ms.toFixed(1).padStart(9))
          .join(' ')}  ${Object.entries(byStatus)
          .map(([status, count]) => `${status}: ${count}`)
          .join(', ')}`,
    ),
    '',
    `sold ${sold} of ${capacity} seats in ${seconds.toFixed(1)} s; ${returned} were given back or ran out and were sold again`,
    ...troubles.map((trouble) => `trouble: ${trouble}`),
  ];
}
