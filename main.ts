/** The `onsale` command: which command is meant, and what each is given. The commands themselves are in cli/ and bench/. */
import { parseArgs } from 'node:util';
import { hash } from '@node-rs/bcrypt';
import { runAudit } from './cli/audit.ts';
import { verifyFairness } from './cli/fairness.ts';
import { playSandbox } from './cli/play-accounts.ts';
import { runSandbox } from './cli/sandbox.ts';
import { runSeed } from './cli/seed.ts';
import { serve } from './cli/serve.ts';
import { openStores, type Stores } from './cli/stores.ts';
import { runSyncInventory } from './cli/sync-inventory.ts';
import { type Config, ConfigError, exampleEnvironment, readConfig } from './config.ts';
import { signAccessToken } from './http/auth.ts';
import { isPlayed } from './node/providers.ts';
import { keptSecrets } from './persistence/kept-secrets.ts';
import { connectStores } from './persistence/node-stores.ts';
import { layDemoData } from './persistence/postgres/demo-data.ts';
import { readCharges } from './providers/sandbox/charges.ts';
import { startSandbox } from './providers/sandbox/server.ts';
import { realWorld } from './world.ts';

const usage = `onsale <command>

  serve        [--nodes N]: one node, or one a core on one port; with nothing configured, the whole demo around it
  sandbox      [--server URL]: the payment sandbox alone; webhooks go to that server
  migrate      brings the database's schema up to date
  demo         lays the demo's users and events
  seed         --users N --zones K --seats S [--max-per-user M] [--price P] [--currency C] [--queue] --out FILE
  audit        [--json] [--acked FILE] [--event ID] [--settled]: do the promises hold?
  fairness     verify FILE: does the log of a waiting room prove its order?
  sync-inventory [--event ID]: makes Redis count the seats as PostgreSQL does
  env          prints every variable of the configuration
  bench rush   [--buyers N] [--seats S] [--zones K] …: a whole sale over HTTP

Commands work on the stores of the configuration (.env.example), else on the private ones of the demo.
`;

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

type Command = (args: string[], config: Config) => Promise<number>;

const commands: Readonly<Record<string, Command>> = {
  serve: serveNodes,
  sandbox: (args, config) => {
    const { values } = parseArgs({ args, options: { server: { type: 'string' } } });
    return runSandbox(config, values.server ?? null);
  },
  migrate: (_args, config) => withStores(config, async () => 0),
  demo: (_args, config) =>
    withStores(config, async ({ databaseUrl }) => {
      await layDemoData(databaseUrl, (password) => hash(password, { cost: config.BCRYPT_COST }));
      return 0;
    }),
  seed,
  audit,
  fairness: async ([verb, file]) => {
    if (verb !== 'verify' || !file) throw new ConfigError('onsale fairness verify FILE');
    return verifyFairness(file, { print });
  },
  'sync-inventory': syncInventory,
  bench: async (args) => (await import('./bench/bench.ts')).runBench(args, { program: process.argv[1] ?? '', print }),
  env: async () => {
    print(exampleEnvironment());
    return 0;
  },
};

/** Stores that this command started are stopped again; those that ran before go on. */
async function withStores(config: Config, work: (stores: Stores) => Promise<number>): Promise<number> {
  const stores = await openStores(config, say);
  try {
    return await work(stores);
  } finally {
    if (!stores.ranBefore) await stores.stop();
  }
}

const count = (text: string | undefined, name: string): number => {
  const value = Number(text);
  if (text === undefined || !Number.isSafeInteger(value) || value < 0)
    throw new ConfigError(`--${name} must be a whole number`);
  return value;
};

function serveNodes(args: string[], config: Config): Promise<number> {
  const { values } = parseArgs({
    args,
    // A member finds the stores and the sandbox of another process: `--nodes` starts several.
    options: { nodes: { type: 'string', default: '1' }, member: { type: 'boolean', default: false } },
  });
  return serve(config, { nodes: count(values.nodes, 'nodes'), member: values.member, program: process.argv[1] ?? '' });
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
  if (!outFile) throw new ConfigError('--out FILE says where the ids and tokens go');
  const secret = config.JWT_SECRET ?? keptSecrets(config.ONSALE_DATA_DIR).jwtSecret;
  const { ids, clock } = realWorld();
  return withStores(config, ({ databaseUrl }) =>
    runSeed(
      {
        databaseUrl,
        users: count(values.users, 'users'),
        zones: count(values.zones, 'zones'),
        seats: count(values.seats, 'seats'),
        maxPerUser: count(values['max-per-user'] ?? '10', 'max-per-user'),
        priceMinor: count(values.price ?? '150000', 'price'),
        currency: values.currency,
        queue: values.queue,
        outFile,
      },
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
  return withStores(config, ({ databaseUrl, redisUrl }) =>
    runAudit(
      {
        databaseUrl,
        redisUrl,
        readCharges: isPlayed(config) ? () => sandboxCharges(config) : null,
        json: values.json,
        settled: values.settled,
        ackedFile: values.acked ?? null,
        eventId: values.event ?? null,
      },
      { print },
    ),
  );
}

function syncInventory(args: string[], config: Config): Promise<number> {
  const { values } = parseArgs({ args, options: { event: { type: 'string' } } });
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
      return await runSyncInventory(stores.inventory, values.event ?? null, { print });
    } finally {
      await stores.close();
    }
  });
}

/** From the sandbox that runs, else from one that is started on its journal for this one question. */
async function sandboxCharges(config: Config): Promise<Awaited<ReturnType<typeof readCharges>>> {
  try {
    return await readCharges(`http://127.0.0.1:${config.SANDBOX_PORT}`);
  } catch {
    const secrets = keptSecrets(config.ONSALE_DATA_DIR);
    const sandbox = await startSandbox({ ...playSandbox(config, secrets, () => null), port: 0 });
    try {
      return await readCharges(sandbox.url);
    } finally {
      await sandbox.stop();
    }
  }
}

async function run([name = 'help', ...args]: readonly string[]): Promise<number> {
  const command = commands[name];
  if (command) return command([...args], readConfig());
  say(usage);
  return name === 'help' || name === '--help' ? 0 : 2;
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  const understood = error instanceof ConfigError || (error instanceof TypeError && 'code' in error);
  say(understood ? error.message : String(error instanceof Error ? error.stack : error));
  process.exitCode = 1;
}
