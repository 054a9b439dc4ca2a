/** A part of `bench queue`: what it measures, and what came out. */
import { parseArgs } from 'node:util';
import { type NumberFlags, readNumbers, readSettings, textFlags } from '../flags.ts';
import type { Observation } from '../report/report.ts';

/** Flags that are whole numbers: default and meaning. */
export const queueNumbers = {
  joiners: [400_000, 'joins: users at hand, each joins once'],
  seconds: [10, 'joins, live: measured time'],
  'warm-up': [3, 'joins, live: time before it, left out'],
  connections: [256, 'joins, live: kept connections'],
  generators: [1, 'joins, live: generator processes'],
  'server-cores': [0, 'joins, live: cores for server and stores alone, the others for who asks; 0: all share all'],
  sockets: [15_000, 'live: people on live connections'],
  'reserve-rate': [1_000, 'live: reservations a second beside them'],
  crowd: [10_000, 'sale: people who join'],
  slots: [100, 'sale: people at the checkout at the same time'],
  'checkout-from': [2, 'sale: seconds that a checkout takes at least'],
  'checkout-to': [20, 'sale: and at most; who does not show up leaves the pass for as long'],
  'no-shows': [10, 'sale: of a hundred who are admitted'],
  speed: [1, 'sale: so many times faster than said above'],
  waiting: [10_000, 'restart: people who wait when the server is killed'],
} as const satisfies NumberFlags;

export type QueueNumbers = Readonly<Record<keyof typeof queueNumbers, number>>;

export interface PartOptions extends QueueNumbers {
  readonly program: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly print: (line: string) => void;
}

export interface PartResult {
  readonly observations: readonly Observation[];
  /** Promises that were broken. Empty: the part has a score. */
  readonly broken: readonly string[];
}

export interface Part {
  readonly summary: string;
  run(options: PartOptions): Promise<PartResult>;
}

/** Throws a UsageError that says which flag is wrong. */
export function readQueueOptions(args: readonly string[]): {
  readonly numbers: QueueNumbers;
  readonly names: readonly string[];
  readonly settings: Readonly<Record<string, string>>;
  readonly jsonFile: string | null;
} {
  const options = textFlags([...Object.keys(queueNumbers), 'set', 'json']);
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const { set, json } = values as Readonly<Record<string, string | undefined>>;
  const numbers = readNumbers(queueNumbers, values);
  return { numbers, names: positionals, settings: readSettings(set), jsonFile: json ?? null };
}
