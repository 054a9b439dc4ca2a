/** `onsale bench <scenario>`: reads the rest of the command line and runs the scenario. */
import { parseArgs } from 'node:util';
import { type RushTarget, runRush } from './rush.ts';

const usage = `onsale bench rush   [--buyers 2000] [--seats 1000] [--zones 1] [--hold-seconds 20] [--seed 1] [--json FILE]
                    at a server of its own; or at one that runs, with what \`onsale seed\` wrote for it:
                    --target URL --fixture FILE --sandbox URL --database URL --redis URL`;

export interface BenchIo {
  /** The command itself, for scenarios that start servers. */
  readonly program: string;
  readonly print: (line: string) => void;
}

export async function runBench([scenario, ...args]: readonly string[], io: BenchIo): Promise<number> {
  if (scenario !== 'rush') {
    io.print(usage);
    return 2;
  }
  const { values } = parseArgs({ args: [...args], options: rushFlags });
  return runRush(
    {
      buyers: atLeastOne(values.buyers, 'buyers'),
      seatsPerZone: atLeastOne(values.seats, 'seats'),
      zones: atLeastOne(values.zones, 'zones'),
      holdSeconds: atLeastOne(values['hold-seconds'], 'hold-seconds'),
      seed: atLeastOne(values.seed, 'seed'),
      jsonFile: values.json ?? null,
      target: targetOf(values),
    },
    io,
  );
}

const rushFlags = {
  buyers: { type: 'string', default: '2000' },
  seats: { type: 'string', default: '1000' },
  zones: { type: 'string', default: '1' },
  'hold-seconds': { type: 'string', default: '20' },
  seed: { type: 'string', default: '1' },
  json: { type: 'string' },
  target: { type: 'string' },
  fixture: { type: 'string' },
  sandbox: { type: 'string' },
  database: { type: 'string' },
  redis: { type: 'string' },
} as const;

interface TargetFlags {
  readonly target?: string;
  readonly fixture?: string;
  readonly sandbox?: string;
  readonly database?: string;
  readonly redis?: string;
}

function targetOf({ target, fixture, sandbox, database, redis }: TargetFlags): RushTarget | null {
  if (target === undefined) return null;
  if (!fixture || !sandbox || !database || !redis)
    throw new TypeError(`--target needs --fixture, --sandbox, --database and --redis\n\n${usage}`);
  return {
    baseUrl: target,
    sandboxUrl: sandbox,
    fixtureFile: fixture,
    stores: { databaseUrl: database, redisUrl: redis },
  };
}

function atLeastOne(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`--${name} must be a whole number above 0`);
  return value;
}
