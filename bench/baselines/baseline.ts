/** A baseline as a process of its own, and as a subject of measurement with fresh stores of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { createAccessTokens } from '../../http/auth.ts';
import { type EmbeddedStores, startEmbeddedStores } from '../../persistence/embedded.ts';
import { keptSecrets } from '../../persistence/kept-secrets.ts';
import { migrate } from '../../persistence/postgres/migrate.ts';
import { realWorld } from '../../world.ts';
import { checkConservation } from '../conservation.ts';
import { putOnSale } from '../rush-scene.ts';
import { readStoreFacts } from '../stores.ts';
import type { Sale, Subject, Verified } from '../subject.ts';
import { openAtomicUpdateDesk } from './atomic-update.ts';
import { type DeskStores, type OpenDesk, openOffice } from './desk.ts';
import { openForUpdateDesk } from './for-update.ts';
import { openRedisScriptDesk, stockKey } from './redis-script.ts';

export const baselines = {
  'for-update': openForUpdateDesk,
  'atomic-update': openAtomicUpdateDesk,
  'redis-script': openRedisScriptDesk,
} as const satisfies Record<string, OpenDesk>;

export type BaselineName = keyof typeof baselines;

interface BaselineJob extends DeskStores {
  readonly name: BaselineName;
  readonly jwtSecret: string;
}

/** The process: gets its job over the channel to its parent, answers with its address, ends when the channel closes. */
export async function runBaseline(): Promise<number> {
  const send = process.send?.bind(process);
  if (!send) throw new Error('a baseline has a parent');
  const [{ name, jwtSecret, ...stores }] = (await once(process, 'message')) as [BaselineJob];
  // Only here: who runs the product does not need Fastify.
  const { createFront } = await import('./front.ts');
  const office = await openOffice(stores);
  const desk = await baselines[name](office, stores);
  const { clock, ids } = realWorld();
  const app = createFront(desk, createAccessTokens({ secret: jwtSecret, clock, ids }));
  send({ baseUrl: await app.listen({ host: '127.0.0.1', port: 0 }) });
  await once(process, 'disconnect');
  app.server.closeAllConnections();
  await app.close();
  await desk.close();
  return 0;
}

export async function openBaseline(name: BaselineName, program: string, sale: Sale): Promise<Subject> {
  const dataDir = mkdtempSync(join(tmpdir(), `onsale-${name}-`));
  chmodSync(dataDir, 0o755); // as root, PostgreSQL runs as another user, who must be able to enter
  const stores = await startEmbeddedStores({ dataDir });
  const child = fork(program, ['bench', 'baseline']);
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    }
    await stores.stop();
    rmSync(realpathSync(join(dataDir, 'postgres')), { recursive: true, force: true });
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    return { ...(await beginSale(child, { name, dataDir, stores, sale })), close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Place {
  readonly name: BaselineName;
  readonly dataDir: string;
  readonly stores: EmbeddedStores;
  readonly sale: Sale;
}

async function beginSale(child: ChildProcess, { name, dataDir, stores, sale }: Place): Promise<Omit<Subject, 'close'>> {
  const { databaseUrl, redisUrl } = stores;
  await migrate(databaseUrl);
  const { event_id: eventId, zone_ids: zoneIds } = await putOnSale(dataDir, stores, sale);
  child.send({ name, databaseUrl, redisUrl, jwtSecret: keptSecrets(dataDir).jwtSecret } satisfies BaselineJob);
  const [{ baseUrl }] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error(`the baseline ${name} did not start`))),
  ])) as [{ readonly baseUrl: string }];
  const facts = await readStoreFacts(stores);
  const limits = { eventId, maxPerUser: sale.maxPerUser };
  return {
    ...{ name, baseUrl, stores: facts },
    fixtureFile: join(dataDir, 'fixture.json'),
    ackedFile: join(dataDir, 'acked.jsonl'),
    processes: { server: child.pid ?? null, redis: facts.redisPid, postgres: facts.postgresPid },
    async check(promised): Promise<Verified> {
      const availableOf = name === 'redis-script' ? await readStock(redisUrl, eventId, zoneIds) : undefined;
      const known = availableOf ? { ...limits, availableOf } : limits;
      const { broken, conservation } = await checkConservation(databaseUrl, known, promised);
      const proved = `rows, counters and answers agree (${conservation.bookings} bookings)`;
      return { broken, proved: broken.length === 0 ? [proved] : [], conservation };
    },
  };
}

async function readStock(
  redisUrl: string,
  eventId: string,
  zoneIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const redis = new Redis(redisUrl);
  try {
    const free = await redis.mget(zoneIds.map((id) => stockKey(eventId, id)));
    return new Map(zoneIds.map((id, index) => [id, Number(free[index])]));
  } finally {
    redis.disconnect();
  }
}
