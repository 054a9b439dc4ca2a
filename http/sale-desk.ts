/**
 * The terms of sale at hand: what the hot path must know of a zone, without a query per request. A term is at most one
 * second old, so that a change of the catalogue takes effect within that; a zone in demand is read again before its
 * second is over and is never waited for.
 */
import type { Catalogue, SaleZone } from '../engine/catalogue.ts';
import type { Clock } from '../engine/ports.ts';
import { RecentMap } from './recent-map.ts';

const ageMaxMs = 1_000;
/** From this age on, whoever asks makes the desk read again, and is still answered at once. */
const refreshAgeMs = 500;
/** Ids that nobody has are remembered too: asking for them must not cost queries. */
const zonesMax = 20_000;

export interface SaleDesk {
  /** The zone's terms, null when there is no such zone; undefined when the desk must ask: see `find`. Synchronous. */
  recall(zoneId: string): SaleZone | null | undefined;
  /** The same, read if need be. Rejects when the catalogue gives no answer. */
  find(zoneId: string): Promise<SaleZone | null>;
}

interface Known {
  readonly zone: SaleZone | null;
  /** When the read began: what was changed after that may be missing. */
  readonly asOfMs: number;
}

interface Reading {
  readonly zoneIds: string[];
  readonly zones: Promise<ReadonlyMap<string, SaleZone>>;
}

export function createSaleDesk(catalogue: Catalogue, clock: Clock): SaleDesk {
  const known = new RecentMap<string, Known>(zonesMax);
  const pending = new Map<string, Promise<SaleZone | null>>();
  let gathering: Reading | null = null;

  /** One query for all zones that are asked for in one turn. */
  const gather = (): Reading => {
    const zoneIds: string[] = [];
    const zones = Promise.resolve().then(async () => {
      gathering = null;
      const found = await catalogue.findSaleZones(zoneIds);
      return new Map(found.map((zone) => [zone.zoneId, zone]));
    });
    return { zoneIds, zones };
  };

  const read = (zoneId: string): Promise<SaleZone | null> => {
    const under = pending.get(zoneId);
    if (under !== undefined) return under;
    const asOfMs = clock.now();
    gathering ??= gather();
    gathering.zoneIds.push(zoneId);
    const reading = gathering.zones
      .then((zones) => {
        const zone = zones.get(zoneId) ?? null;
        known.set(zoneId, { zone, asOfMs });
        return zone;
      })
      .finally(() => pending.delete(zoneId));
    pending.set(zoneId, reading);
    return reading;
  };

  const recall = (zoneId: string): SaleZone | null | undefined => {
    const found = known.get(zoneId);
    if (found === undefined) return undefined;
    const ageMs = clock.now() - found.asOfMs;
    if (ageMs >= ageMaxMs) return undefined;
    // Nobody waits for this one; if it fails, whoever comes after the second will be told.
    if (ageMs >= refreshAgeMs && !pending.has(zoneId)) read(zoneId).catch(() => {});
    return found.zone;
  };

  return {
    recall,
    async find(zoneId) {
      const zone = recall(zoneId);
      return zone === undefined ? read(zoneId) : zone;
    },
  };
}
