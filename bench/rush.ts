/**
 * `onsale bench rush`: a whole on-sale over HTTP, in which people behave as people do, until every seat is sold. It
 * proves promises, not speed: it passes only when exactly the capacity was sold and the audit is clean.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { auditTable } from '../cli/audit.ts';
import type { AuditReport } from '../engine/audit.ts';
import type { StoreUrls } from '../persistence/embedded.ts';
import { type Crowd, eager, gatherCrowd } from './crowd.ts';
import { prepareServer } from './own-server.ts';
import { type RushFigures, rushTable } from './rush-report.ts';
import { auditSettled, putOnSale, readFixture, type Stage, type StagePlace, setStage } from './rush-scene.ts';

export interface RushOptions {
  readonly buyers: number;
  readonly seatsPerZone: number;
  readonly zones: number;
  readonly holdSeconds: number;
  readonly seed: number;
  /** Where the figures go as JSON, too; null: nowhere. */
  readonly jsonFile: string | null;
  /** A server that runs already, and what `seed` wrote for it; null: one of our own. */
  readonly target: RushTarget | null;
}

export interface RushTarget {
  readonly baseUrl: string;
  readonly sandboxUrl: string;
  readonly fixtureFile: string;
  /** For the audit. */
  readonly stores: StoreUrls;
}

export interface RushIo {
  /** The command whose `serve` is our own server: `bin/onsale.mjs`. */
  readonly program: string;
  readonly print: (line: string) => void;
}

export interface RushResult extends RushFigures {
  readonly options: Omit<RushOptions, 'jsonFile' | 'target'>;
  readonly audit: AuditReport;
}

/** All buyers come within this time. */
const arrivalMs = 5_000;
const settlePatienceMs = 60_000;
const stuckLimitMs = 60_000;

/** The exit code: 0 when sold is exactly the capacity, the audit is clean and no answer broke its promise. */
export async function runRush(options: RushOptions, io: RushIo): Promise<number> {
  const result = options.target ? await rushAt(options, options.target) : await rushAtOwnServer(options, io);
  const { zones, seatsPerZone, holdSeconds, seed } = options;
  io.print(`rush: ${zones} zones of ${seatsPerZone} seats, holds of ${holdSeconds} s, seed ${seed}`);
  for (const line of [...rushTable(result), ...auditTable(result.audit)]) io.print(line);
  const passed = result.sold === result.capacity && result.audit.clean && result.troubles.length === 0;
  io.print(passed ? 'rush: passed' : 'rush: FAILED');
  if (options.jsonFile) writeFileSync(options.jsonFile, `${JSON.stringify(result, inSnakeCase, 2)}\n`);
  return passed ? 0 : 1;
}

async function rushAtOwnServer(options: RushOptions, { program, print }: RushIo): Promise<RushResult> {
  const { buyers: users, zones, seatsPerZone, holdSeconds } = options;
  const server = await prepareServer({ program, holdSeconds });
  let keep = true;
  try {
    const startMs = await server.start();
    print(`own server at ${server.baseUrl}, ready after ${(startMs / 1_000).toFixed(1)} s`);
    const stores = await server.reviveStores();
    await putOnSale(server.dataDir, stores, { users, zones, seatsPerZone });
    const { baseUrl, sandboxUrl, dataDir } = server;
    const result = await rushAt(options, { baseUrl, sandboxUrl, stores, fixtureFile: join(dataDir, 'fixture.json') });
    keep = !result.audit.clean || result.troubles.length > 0;
    if (keep) print(`kept for a look: ${dataDir}`);
    return result;
  } finally {
    await server.close(keep);
  }
}

async function rushAt(options: RushOptions, target: RushTarget): Promise<RushResult> {
  const { fixtureFile, stores, ...addresses } = target;
  const fixture = readFixture(fixtureFile);
  const place: StagePlace = {
    ...addresses,
    fixture,
    ackedFile: `${fixtureFile}.acked`,
    waitMs: Number.POSITIVE_INFINITY,
  };
  const stage = setStage(place);
  try {
    const crowd = gatherCrowd(fixture.users, stage, options.seed);
    const startMs = Date.now();
    await crowd.admit(Math.min(options.buyers, fixture.users.length), arrivalMs, eager);
    await untilItIsOver(stage, crowd);
    const seconds = (Date.now() - startMs) / 1_000;
    const audited = { ...stores, sandboxUrl: target.sandboxUrl, eventId: fixture.event_id, ackedFile: place.ackedFile };
    const audit = await auditSettled(audited, settlePatienceMs);
    const { jsonFile: _, target: __, ...asked } = options;
    const zones = await stage.shop.zones();
    return {
      options: asked,
      buyers: crowd.came,
      capacity: sumOf(zones, 'capacity'),
      sold: sumOf(zones, 'sold'),
      seconds,
      endings: crowd.endings,
      troubles: crowd.troubles,
      calls: stage.latencies.figures(),
      audit,
    };
  } finally {
    await stage.close();
  }
}

/** Until everybody has gone: with seats, or because all is sold, or because nothing can move any more. */
async function untilItIsOver({ board, shop }: Stage, crowd: Crowd): Promise<void> {
  let stuckSinceMs = Date.now();
  while (crowd.present > 0) {
    await delay(250);
    // Nobody holds a seat and none is free, yet not all are sold: the waiting wait for nothing.
    const isStuck = board.zones.every((zone) => zone.available + zone.held === 0) && !board.isSoldOut;
    if (!isStuck) stuckSinceMs = Date.now();
    if (Date.now() - stuckSinceMs > stuckLimitMs) await board.close();
  }
  // The page is up to a second old.
  await delay(1_500);
  await shop.zones();
}

function sumOf(zones: readonly { readonly capacity: number; readonly sold: number }[], name: 'capacity' | 'sold') {
  return zones.reduce((sum, zone) => sum + zone[name], 0);
}

/** A replacer for JSON.stringify: names as they are written on the wire. */
function inSnakeCase(_name: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name.replace(/[A-Z]/g, (upper) => `_${upper.toLowerCase()}`), field]),
  );
}
