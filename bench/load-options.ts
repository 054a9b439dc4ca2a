/** The flags of the load scenarios: one table, from which the usage text and the defaults come. */
import { parseArgs } from 'node:util';
import { UsageError } from '../config.ts';
import { type NumberFlags, readNumbers, readSettings, textFlags } from './flags.ts';
import type { Load } from './load/job.ts';
import type { Step } from './load/schedule.ts';

/** Flags that are whole numbers: default and meaning. 0 stands for "as the scenario needs". */
const numbers = {
  rate: [10_000, 'requests per second, open loop'],
  seconds: [30, 'measured time'],
  'warm-up': [5, 'seconds before it, left out of every figure'],
  connections: [256, 'kept connections, of all generators together'],
  generators: [1, 'generator processes'],
  nodes: [1, 'processes of the own server, on one port'],
  'server-cores': [0, 'cores for server and stores alone, the others for the generators; 0: all share all'],
  users: [200_000, 'distinct users, taken in turn; fewer make them come again'],
  zones: [1, 'zones of the event, taken in turn'],
  seats: [0, 'seats of each zone; 0: more than will be asked for'],
  'max-per-user': [0, 'seats a user may have; 0: 10, or as many as the load needs'],
  'hold-seconds': [600, 'how long a reservation lasts'],
  'timeout-ms': [10_000, 'who waits longer, counted from the intended time, has failed'],
  'unsent-ms': [0, 'open loop: who gets no connection for so long goes without having asked; 0: as timeout-ms'],
  seed: [1, 'of the arrivals’ chance'],
  low: [1_000, 'spike, herd: requests per second before and after'],
  peak: [20_000, 'spike: requests per second at its height'],
  after: [15, 'spike, overload, outage: seconds afterwards, for the first two at a low rate'],
  outage: [600, 'outage: seconds without Kafka'],
  buyers: [192, 'lifecycle: buyers at once who make the bookings it begins with'],
  factor: [5, 'overload: times the peak that was measured first'],
  sockets: [10_000, 'herd, lastseat: sockets that ask in one instant'],
  from: [2_000, 'staircase: first rate'],
  to: [30_000, 'staircase: last rate'],
  step: [2_000, 'staircase: rate of a step above the one before'],
  total: [1_000_000, 'footprint: bookings at the end'],
  pairs: [5, 'duel: turns of each'],
  rounds: [3, 'peers: how often each is measured, in turn'],
} as const satisfies NumberFlags;

export type NumberName = keyof typeof numbers;
export type Numbers = Readonly<Record<NumberName, number>>;

const texts = {
  spacing: 'poisson (default) or even',
  driver: 'reserve (default), or a module that exports openDriver',
  set: 'more variables for the own server: NAME=VALUE, separated by commas',
  other: 'duel: command line of a server of others, with absolute paths',
  only: 'peers: their names, separated by commas',
  jars: 'outage: where `.ci/kafka.sh get` put Apache Kafka',
  out: 'folder of the report (default: bench-results/<scenario>-<time>)',
  target: 'URL of a server that runs, instead of one of our own; needs --fixture',
  fixture: 'target: what `onsale seed` wrote for it',
  database: 'target: its PostgreSQL, for the checks; with --redis and --sandbox',
  redis: 'target: its Redis',
  sandbox: 'target: its payment sandbox',
  'server-pid': 'target: its process, for processor time and memory',
} as const;

export interface LoadOptions extends Numbers {
  readonly closed: boolean;
  readonly spacing: Load['spacing'];
  readonly driver: string;
  /** More variables for the own server. */
  readonly settings: Readonly<Record<string, string>>;
  readonly other: string | null;
  /** Null: all. */
  readonly only: readonly string[] | null;
  readonly jars: string | null;
  /** Null: a new folder. */
  readonly out: string | null;
  readonly target: {
    readonly baseUrl: string;
    readonly fixtureFile: string;
    readonly stores: { readonly databaseUrl: string; readonly redisUrl: string; readonly sandboxUrl: string } | null;
    readonly serverPid: number | null;
  } | null;
}

export const loadFlags: string = [
  ...Object.entries(numbers).map(([name, [value, meaning]]) => `--${name} ${value}`.padEnd(26) + meaning),
  `${'--closed'.padEnd(26)}reserve, soldout: closed loop (each connection sends when answered): how much is possible`,
  ...Object.entries(texts).map(([name, meaning]) => `--${name} TEXT`.padEnd(26) + meaning),
]
  .map((line) => `          ${line}`)
  .join('\n');

/** Throws a UsageError that says which flag is wrong. `defaults` are the scenario's own. */
export function readLoadOptions(args: readonly string[], defaults: Partial<Numbers>): LoadOptions {
  const { values } = parseArgs({ args: [...args], options: { ...flagTypes, closed: { type: 'boolean' } } });
  const text = values as Readonly<Record<string, string | undefined>>;
  const read = readNumbers(numbers, values, defaults);
  for (const name of ['seconds', 'connections', 'generators', 'nodes', 'users', 'zones', 'buyers'] as const)
    if (read[name] === 0) throw new UsageError(`--${name} must be above 0`);
  return {
    ...read,
    closed: values.closed === true,
    spacing: oneOf('spacing', text.spacing ?? 'poisson', ['poisson', 'even'] as const),
    driver: text.driver ?? 'reserve',
    settings: readSettings(text.set),
    other: text.other ?? null,
    only: text.only?.split(',') ?? null,
    jars: text.jars ?? null,
    out: text.out ?? null,
    target: targetOf(text),
  };
}

const flagTypes = textFlags([...Object.keys(numbers), ...Object.keys(texts)]);

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw new UsageError(`--${name} must be one of ${allowed.join(', ')}`);
  return found;
}

function targetOf(text: Readonly<Record<string, string | undefined>>): LoadOptions['target'] {
  const { target: baseUrl, fixture: fixtureFile, database: databaseUrl, redis: redisUrl, sandbox: sandboxUrl } = text;
  if (baseUrl === undefined) return null;
  if (fixtureFile === undefined) throw new UsageError('--target needs --fixture');
  return {
    ...{ baseUrl, fixtureFile },
    stores: databaseUrl && redisUrl && sandboxUrl ? { databaseUrl, redisUrl, sandboxUrl } : null,
    serverPid: text['server-pid'] ? Number(text['server-pid']) : null,
  };
}

/** A load of one measured stretch after the warm-up, as the flags say. */
export function steadyLoad(options: LoadOptions, label: string, ratePerSecond: number): Load {
  return profiledLoad(options, label, [{ ratePerSecond, seconds: options['warm-up'] + options.seconds }]);
}

/** The warm-up is the first part of the profile. */
export function profiledLoad(options: LoadOptions, label: string, profile: readonly Step[]): Load {
  const { spacing, connections, seed } = options;
  return {
    ...{ label, profile, spacing, connections, seed },
    loop: 'open',
    herd: null,
    warmUpSeconds: options['warm-up'],
    timeoutMs: options['timeout-ms'],
    unsentMs: options['unsent-ms'] || options['timeout-ms'],
  };
}

/** As many requests as `connections` polite clients get through. */
export function closedLoad(options: LoadOptions, label: string, seconds = options.seconds): Load {
  return {
    ...profiledLoad(options, label, [{ ratePerSecond: 0, seconds: options['warm-up'] + seconds }]),
    loop: 'closed',
  };
}
