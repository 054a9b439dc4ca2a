/**
 * What is measured: a server with its stores, a sale in it, and a way to check afterwards that it kept its promises.
 * Here is Onsale itself, started for the purpose or running already; the baselines are in baselines/.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fixture } from '../cli/seed.ts';
import type { StoreUrls } from '../persistence/embedded.ts';
import { type Conservation, checkConservation, type Promised } from './conservation.ts';
import type { Cores } from './cores.ts';
import { prepareServer } from './own-server.ts';
import type { ProcessGroups } from './processes.ts';
import { auditSettled, putOnSale, readFixture } from './rush-scene.ts';
import { readStoreFacts, type StoreFacts } from './stores.ts';

export interface Sale {
  readonly users: number;
  readonly zones: number;
  readonly seatsPerZone: number;
  readonly maxPerUser: number;
}

export interface Subject {
  readonly name: string;
  readonly baseUrl: string;
  readonly fixtureFile: string;
  /** Where generators note accepted answers. */
  readonly ackedFile: string;
  /** Null when its stores cannot be reached from here. */
  readonly stores: StoreFacts | null;
  readonly processes: ProcessGroups;
  /** Processes that serve on its port. @default 1 */
  readonly members?: number;
  /** What the run broke; empty when every promise held. */
  check(promised: Promised): Promise<Verified>;
  close(): Promise<void>;
}

export interface Verified {
  readonly broken: readonly string[];
  /** What was looked at and found in order. */
  readonly proved: readonly string[];
  readonly conservation: Conservation | null;
}

export interface OwnSubjectOptions {
  /** @default 'onsale' */
  readonly name?: string;
  readonly program: string;
  readonly sale: Sale;
  readonly holdSeconds: number;
  /** @default false */
  readonly sandboxApart?: boolean;
  /** Processes that serve on one port. @default 1 */
  readonly nodes?: number;
  /** Of server and stores. @default null */
  readonly cores?: Cores;
  /** More variables for the server. */
  readonly settings: Readonly<Record<string, string>>;
}

/** After a load the relay has as much to do as was sold. */
const settlePatienceMs = 120_000;

/** A subject that whoever measures may also pay at and look into. */
export interface OwnSubject extends Subject {
  readonly dataDir: string;
  readonly sandboxUrl: string;
  readonly databaseUrl: string;
  readonly fixture: Fixture;
}

/** Onsale on fresh stores of its own. */
export async function openOwnSubject(options: OwnSubjectOptions): Promise<OwnSubject> {
  const { name = 'onsale', sale, ...how } = options;
  const server = await prepareServer(how);
  try {
    await server.start();
    const urls = await server.reviveStores();
    const fixture = await putOnSale(server.dataDir, urls, sale);
    const fixtureFile = join(server.dataDir, 'fixture.json');
    const ackedFile = join(server.dataDir, 'acked.jsonl');
    const facts = await readStoreFacts(urls);
    const place = { ...urls, sandboxUrl: server.sandboxUrl, eventId: fixture.event_id, ackedFile };
    return {
      ...{ name, baseUrl: server.baseUrl, fixtureFile, ackedFile, stores: facts },
      ...{ dataDir: server.dataDir, sandboxUrl: server.sandboxUrl, databaseUrl: urls.databaseUrl, fixture },
      processes: { server: server.pid, redis: facts.redisPid, postgres: facts.postgresPid },
      members: options.nodes ?? 1,
      check: (promised) => checkOnsale(place, sale, promised),
      close: () => server.close(false),
    };
  } catch (error) {
    await server.close(false);
    throw error;
  }
}

export interface TargetOptions {
  readonly baseUrl: string;
  readonly fixtureFile: string;
  /** Null: nothing can be checked, and the run has no score. */
  readonly stores: (StoreUrls & { readonly sandboxUrl: string }) | null;
  readonly serverPid: number | null;
  readonly maxPerUser: number;
}

/** A server that runs already, with what `onsale seed` wrote for it. */
export async function openTarget(options: TargetOptions): Promise<Subject> {
  const { baseUrl, fixtureFile, stores, serverPid, maxPerUser } = options;
  const fixture = readFixture(fixtureFile);
  const facts = stores && (await readStoreFacts(stores));
  const ackedFile = `${fixtureFile}.${Date.now()}.acked`;
  const sale = { users: fixture.users.length, zones: fixture.zone_ids.length, seatsPerZone: 0, maxPerUser };
  return {
    ...{ name: baseUrl, baseUrl, fixtureFile, ackedFile, stores: facts },
    processes: { server: serverPid, redis: facts?.redisPid ?? null, postgres: facts?.postgresPid ?? null },
    async check(promised) {
      if (!stores)
        return {
          broken: ['nothing was checked: --database, --redis and --sandbox say where'],
          proved: [],
          conservation: null,
        };
      return checkOnsale({ ...stores, eventId: fixture.event_id, ackedFile }, sale, promised);
    },
    close: async () => {},
  };
}

type Place = Parameters<typeof auditSettled>[0];

/** The auditor's word on every promise, and a count of rows against what clients were told. */
async function checkOnsale(place: Place, { maxPerUser }: Sale, promised: Promised): Promise<Verified> {
  // A run without one accepted answer has no notes.
  appendFileSync(place.ackedFile, '', { mode: 0o600 });
  const report = await auditSettled(place, settlePatienceMs);
  const { eventId, databaseUrl } = place;
  const { broken, conservation } = await checkConservation(databaseUrl, { eventId, maxPerUser }, promised);
  const violations = report.findings.filter(({ kind }) => kind === 'violation').map(({ sentence }) => sentence);
  return {
    broken: [...violations, ...broken],
    proved: report.checks
      .filter(({ examined, violations: found }) => examined > 0 && found === 0)
      .map(({ promise, claim, examined }) => `${promise} ${claim} (${examined} examined)`),
    conservation,
  };
}
