/** The figures of a rush as lines of text. */
import type { Ending } from './buyer.ts';
import type { Crowd } from './crowd.ts';
import type { CallFigures } from './latencies.ts';

export interface RushFigures {
  readonly buyers: number;
  readonly capacity: number;
  readonly sold: number;
  readonly seconds: number;
  readonly endings: Crowd['endings'];
  readonly troubles: readonly string[];
  readonly calls: readonly CallFigures[];
}

export function rushTable(figures: RushFigures): readonly string[] {
  const { buyers, capacity, sold, seconds, endings, troubles, calls } = figures;
  const returned = endings.expired.seats + endings.cancelled.seats + endings.refunded.seats;
  return [
    '',
    row('ending', ['buyers', 'seats']),
    ...(Object.keys(endings) as Ending[]).map((ending) => row(ending, [endings[ending].buyers, endings[ending].seats])),
    '',
    `${row('call', ['answered', 'lost', 'P50 ms', 'P99 ms', 'max ms'])}  by status`,
    ...calls.map(callRow),
    '',
    `${buyers} buyers; sold ${sold} of ${capacity} seats in ${seconds.toFixed(1)} s; ` +
      `${returned} were given back or ran out and were sold again`,
    ...troubles.map((trouble) => `trouble: ${trouble}`),
    '',
  ];
}

/** Times are from the wish to send, the wait for a free connection included, to the whole answer. */
function callRow({ call, answered, unanswered, byStatus, p50Ms, p99Ms, maxMs }: CallFigures): string {
  const statuses = Object.entries(byStatus).map(([status, count]) => `${status}: ${count}`);
  const times = [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(1));
  return `${row(call, [answered, unanswered, ...times])}  ${statuses.join(', ')}`;
}

function row(name: string, cells: readonly (string | number)[]): string {
  return `${name.padEnd(10)}${cells.map((cell) => String(cell).padStart(10)).join('')}`;
}
