/** The `onsale` command: which command is meant, and what each is given. The commands themselves are in cli/ and bench/. */
import { parseArgs } from 'node:util';
import { hash } from '@node-rs/bcrypt';
import { runAudit } from './cli/audit.ts';
import { verifyFairness } from './cli/fairness.ts';
import { count, eventId, serverUrl } from './cli/options.ts';
import { readOwnCharges, runSandbox } from './cli/sandbox.ts';
import { runSeed } from './cli/seed.ts';
import { serve } from './cli/serve.ts';
import { openStores, type Stores } from './cli/stores.ts';
import { runSyncInventory } from './cli/sync-inventory.ts';
import { type Config, exampleEnvironment, readConfig, UsageError } from './config.ts';
import { signAccessToken } from './http/auth.ts';
import { isPlayed } from './node/providers.ts';
import { keptSecrets } from './persistence/kept-secrets.ts';
import { connectStores } from './persistence/node-stores.ts';
import { layDemoData } from './persistence/postgres/demo-data.ts';
import { RedisUnavailable } from './persistence/redis/server.ts';
import { realWorld } from './world.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

interface Command {
  readonly usage: string;
  readonly does: string;
  run(args: string[], config: Config): Promise<number>;
}

const commands: Readonly<Record<string, Command>> = {
  serve: {
    usage: '[--nodes N]',
    does: 'one node, or one a core on one port; with nothing configured, the whole demo around it',
    run: serveNodes,
  },
  sandbox: {
    usage: '[--server URL]',
    does: 'the payment sandbox alone; webhooks go to that server',
    run: sandbox,
  },
  migrate: {
    usage: '',
    does: "brings the database's schema up to date",
    run(args, config) {
      parseArgs({ args });
      return withStores(config, async () => 0);
    },
  },
  demo: {
    usage: '',
    does: "lays the demo's users and events",
    run(args, config) {
      parseArgs({ args });
      return withStores(config, async ({ databaseUrl }) => {
        await layDemoData(databaseUrl, (password) => hash(password, { cost: config.BCRYPT_COST }));
        return 0;
      });
    },
  },
  seed: {
    usage: '--users N --zones K --seats S [--max-per-user M] [--price P] [--currency C] [--queue] --out FILE',
    does: 'makes an event on sale and its users, and writes their ids and tokens (valid 6 h) to FILE; P in the minor unit',
    run: seed,
  },
  audit: {
    usage: '[--json] [--acked FILE] [--event ID] [--settled]',
    does: 'do the promises hold? Exit code 1 when one does not',
    run: audit,
  },
  fairness: {
    usage: 'verify FILE',
    does: 'does the log of a waiting room (GET /api/v1/events/:id/fairness, a page a line) prove its order?',
    run: fairness,
  },
  'sync-inventory': {
    usage: '[--event ID]',
    does: 'makes Redis count the seats as PostgreSQL does',
    run: syncInventory,
  },
  env: {
    usage: '',
    does: 'prints every variable of the configuration',
    async run(args) {
      parseArgs({ args });
      print(exampleEnvironment());
      return 0;
    },
  },
  bench: {
    usage: '<scenario> …',
    does: 'measures, and checks the promises afterwards; `onsale bench` lists the scenarios',
    run: async (args) => (await import('./bench/bench.ts')).runBench(args, { program: process.argv[1] ?? '', print }),
  },
};

const overview = `onsale <command>

${Object.entries(commands)
  .map(([name, { usage, does }]) => `  ${`${name} ${usage}`.trim()}\n      ${does}`)
  .join('\n')}

Commands work on the stores of the configuration (.env.example), else on the private ones of the demo.
`;

async function withStores(config: Config, work: (stores: Stores) => Promise<number>): Promise<number> {
  const stores = await openStores(config, say);
  try {
    return await work(stores);
  } finally {
    await stores.stop();
  }
}

function serveNodes(args: string[], config: Config): Promise<number> {
  const { values } = parseArgs({
    args,
    // A member finds the stores and the sandbox of another process: `--nodes` starts several.
    options: { nodes: { type: 'string', default: '1' }, member: { type: 'boolean', default: false } },
  });
  return serve(config, {
    nodes: count(values.nodes, 'nodes', 1),
    member: values.member,
    program: process.argv[1] ?? '',
  });
}

function sandbox(args: string[], config: Config): Promise<number> {
  const { values } = parseArgs({ args, options: { server: { type: 'string' } } });
  return runSandbox(config, serverUrl(values.server));
}

async function fairness(args: string[]): Promise<number> {
  const [verb, file, ...more] = parseArgs({ args, allowPositionals: true }).positionals;
  if (verb !== 'verify' || !file || more.length > 0) throw new UsageError('onsale fairness verify FILE');
  return verifyFairness(file, { print });
}

function seed(args: string[], config: Config): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      users: { type: 'string' },
      zones: { type: 'string' },
      seats: { type: 'string' },
      'max-per-user': { type: 'string' },
      price: { type: 'string' },
      currency: { type: 'string', default: 'THB' },
      queue: { type: 'boolean', default: false },
      out: { type: 'string' },
    },
  });
  const outFile = values.out;
  if (!outFile) throw new UsageError('--out FILE says where the ids and tokens go');
  const sale = {
    users: count(values.users, 'users', 1),
    zones: count(values.zones, 'zones', 1),
    seats: count(values.seats, 'seats', 1),
    maxPerUser: count(values['max-per-user'] ?? '10', 'max-per-user', 1),
    priceMinor: count(values.price ?? '150000', 'price', 0),
    currency: values.currency,
    queue: values.queue,
    outFile,
  };
  const secret = config.JWT_SECRET ?? keptSecrets(config.ONSALE_DATA_DIR).jwtSecret;
  const { ids, clock } = realWorld();
  return withStores(config, ({ databaseUrl }) =>
    runSeed(
      { databaseUrl, ...sale },
      {
        ids,
        print,
        sign: (id) =>
          signAccessToken(
            secret,
            { id, role: 'user', tokenId: ids.next() },
            { nowMs: clock.now(), ttlSeconds: seedTtlSeconds },
          ),
      },
    ),
  );
}

const seedTtlSeconds = 6 * 3_600;

function audit(args: string[], config: Config): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean', default: false },
      settled: { type: 'boolean', default: false },
      acked: { type: 'string' },
      event: { type: 'string' },
    },
  });
  const event = eventId(values.event);
  return withStores(config, ({ databaseUrl, redisUrl }) =>
    runAudit(
      {
        databaseUrl,
        redisUrl,
        readCharges: isPlayed(config) ? () => readOwnCharges(config) : null,
        json: values.json,
        settled: values.settled,
        ackedFile: values.acked ?? null,
        eventId: event,
      },
      { print },
    ),
  );
}

function syncInventory(args: string[], config: Config): Promise<number> {
  const { values } = parseArgs({ args, options: { event: { type: 'string' } } });
  const event = eventId(values.event);
  return withStores(config, async (addresses) => {
    const failed = (store: string, error: Error) => say(`${store}: ${error.message}`);
    const stores = await connectStores({
      ...addresses,
      rateLimits: false,
      now: realWorld().clock.now,
      failed,
      commitTimeoutMs: config.COMMIT_TIMEOUT_MS,
    });
    try {
      return await runSyncInventory(stores.inventory, event, { print });
    } finally {
      await stores.close();
    }
  });
}

async function run([name = '', ...args]: readonly string[]): Promise<number> {
  const command = commands[name];
  const asksForHelp = [name, ...args].some((word) => word === '--help' || word === '-h');
  if (command === undefined) {
    if (name === 'help' || asksForHelp) {
      print(overview);
      return 0;
    }
    if (name !== '') say(`onsale knows no command ${name}\n`);
    say(overview);
    return 2;
  }
  if (!asksForHelp) return command.run([...args], readConfig());
  // The scenarios of `bench` have usages of their own, which it prints together.
  if (name === 'bench') await command.run([], readConfig());
  else print(`${`onsale ${name} ${command.usage}`.trim()}\n    ${command.does}`);
  return 0;
}

/** What the message alone explains: a wrong option, a file that cannot be read, an address where nobody answers. */
function explainsItself(error: unknown): error is Error {
  const isSystems = error instanceof Error && 'syscall' in error;
  const isOptions = error instanceof TypeError && 'code' in error;
  return error instanceof UsageError || error instanceof RedisUnavailable || isOptions || isSystems;
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  say(explainsItself(error) ? error.message : String(error instanceof Error ? error.stack : error));
  process.exitCode = 1;
}
