/**
 * `onsale serve`: one node, or several on one port; with nothing configured, the whole demo around it. Runs until
 * SIGINT, SIGTERM or SIGHUP.
 */
import { setFlagsFromString } from 'node:v8';
import { hash } from '@node-rs/bcrypt';
import { type Config, UsageError } from '../config.ts';
import { type Node, startNode } from '../node/node.ts';
import { configuredAccounts, isPlayed } from '../node/providers.ts';
import { isFree } from '../persistence/embedded/ports.ts';
import { keptSecrets } from '../persistence/kept-secrets.ts';
import { layDemoData } from '../persistence/postgres/demo-data.ts';
import type { Sandbox } from '../providers/sandbox/server.ts';
import { createLogger, type Logger } from '../telemetry.ts';
import { playAccounts, playSandbox } from './play-accounts.ts';
import { openSandbox } from './sandbox.ts';
import { startCrew } from './serve-many.ts';
import { stopAsked } from './stop-asked.ts';
import { openStores, type Stores } from './stores.ts';

/** One node, or several. */
type Server = Pick<Node, 'url' | 'stop'>;

interface Running {
  readonly node: Server;
  /** Null when payments go to real providers. */
  readonly sandbox: Sandbox | null;
}

/** What the heap may grow by, over what was alive after a full collection, before the next (docs/adr/0020). */
const heapGrowingPercent = 50;

export interface ServeOptions {
  /** More than one: each a process of its own, on one port. */
  readonly nodes: number;
  /** The stores and the sandbox are another process's. */
  readonly member: boolean;
  /** The command itself. */
  readonly program: string;
}

/** The exit code. Rejects when the node cannot start, before anything is started when its port is taken. */
export async function serve(config: Config, options: ServeOptions): Promise<number> {
  if (!options.member) await refuseTaken(config);
  setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`);
  const logger = createLogger(config.LOG_LEVEL);
  process.on('unhandledRejection', (error) => {
    // A promise that nobody waits for hides a bug; whatever state it left behind is not to be trusted.
    logger.fatal({ err: error }, 'unhandled rejection: the process ends');
    process.exit(70);
  });
  // Steps of the start are for the person at the terminal; the log's JSON lines begin with the node.
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const asked = stopAsked();
  const stores = await openStores(config, say);
  try {
    const running = await start(config, stores, { ...options, logger });
    process.stdout.write(`onsale ready ${running.node.url}\n`);
    if (stores.embedded) welcome(running, say);
    await asked;
    logger.info('stopping: what is under way is finished first');
    await running.node.stop();
    await running.sandbox?.stop();
    return 0;
  } finally {
    await stores.stop();
  }
}

/**
 * Two servers could share a port without a word, and a second one with our NODE_ID takes our place in the cluster when it
 * joins: so it must not come so far.
 */
async function refuseTaken({ HOST: host, PORT: port }: Config): Promise<void> {
  if (await isFree(port, host)) return;
  throw new UsageError(`PORT ${port} is taken at ${host}: does onsale run already? PORT=0 takes any free port`);
}

async function start(
  config: Config,
  stores: Stores,
  { nodes, member, program, logger }: ServeOptions & { readonly logger: Logger },
): Promise<Running> {
  const secrets = keptSecrets(config.ONSALE_DATA_DIR);
  if (stores.embedded)
    await layDemoData(stores.databaseUrl, (password) => hash(password, { cost: config.BCRYPT_COST }));
  // The sandbox tells the node of payments, and the node calls the sandbox: one of them must come first.
  const started: { node?: Server } = {};
  const nodeUrl = () => started.node?.url ?? null;
  const log = (line: string) => logger.debug(`sandbox: ${line}`);
  const isSandboxOurs = isPlayed(config) && !member;
  const sandbox = isSandboxOurs ? await openSandbox({ ...playSandbox(config, secrets, nodeUrl), log }) : null;
  const sandboxUrl = sandbox?.url ?? (isPlayed(config) ? `http://127.0.0.1:${config.SANDBOX_PORT}` : null);
  try {
    if (nodes > 1) {
      const sandboxPort = sandboxUrl === null ? null : Number(new URL(sandboxUrl).port);
      started.node = await startCrew({ config, nodes, stores, sandboxPort, program, logger });
      return { node: started.node, sandbox };
    }
    started.node = await startNode({
      config,
      logger,
      databaseUrl: stores.databaseUrl,
      redisUrl: stores.redisUrl,
      sharesPort: member,
      jwtSecret: config.JWT_SECRET ?? secrets.jwtSecret,
      ticketKey: config.PASS_PRIVATE_KEY ?? secrets.ticketKey,
      payments: sandboxUrl ? playAccounts(secrets, sandboxUrl) : configuredAccounts(config),
    });
    return { node: started.node, sandbox };
  } catch (error) {
    // It listens, and would keep a process alive that has nothing to sell.
    await sandbox?.stop();
    throw error;
  }
}

function welcome({ node, sandbox }: Running, say: (line: string) => void): void {
  say(`open             ${node.url}`);
  if (sandbox) say(`payment sandbox  ${sandbox.url}`);
  say(
    'log in as        buyer1@demo.test … buyer9@demo.test, organizer@demo.test, admin@demo.test; password Demo-1234!',
  );
  say('on sale          demo-rush and demo-open; buy a ticket: sh docs/examples/buy-a-ticket.sh');
  say('stop             Ctrl-C');
}
