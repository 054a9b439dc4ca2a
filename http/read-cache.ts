/**
 * Answers of public reads, ready-made and shared by everybody for at most a second: a crowd that reloads a page costs
 * one query a second. What is kept is bytes and their ETag, so that a hit neither queries nor serialises.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../engine/ports.ts';
import { RecentMap } from './recent-map.ts';

const ageMaxMs = 1_000;
/** Pages of lists, zones of shows. Bounded, since search words are the caller's choice. */
const answersMax = 2_000;

export interface KeptAnswer {
  readonly body: Uint8Array;
  readonly etag: string;
}

export interface ReadCache {
  /** The answer under `key`, made by `make` when none is fresh; null (also kept): there is no such thing. */
  get(key: string, make: () => Promise<string | null>): KeptAnswer | null | Promise<KeptAnswer | null>;
}

interface Kept {
  readonly answer: KeptAnswer | null;
  /** When making it began: what was changed after that may be missing. */
  readonly asOfMs: number;
}

export function createReadCache(clock: Clock): ReadCache {
  const kept = new RecentMap<string, Kept>(answersMax);
  const pending = new Map<string, Promise<KeptAnswer | null>>();

  const renew = async (key: string, make: () => Promise<string | null>): Promise<KeptAnswer | null> => {
    const asOfMs = clock.now();
    try {
      const answer = packed(await make());
      kept.set(key, { answer, asOfMs });
      return answer;
    } finally {
      pending.delete(key);
    }
  };

  return {
    get(key, make) {
      const found = kept.get(key);
      if (found !== undefined && clock.now() - found.asOfMs < ageMaxMs) return found.answer;
      const under = pending.get(key);
      if (under !== undefined) return under;
      const renewed = renew(key, make);
      pending.set(key, renewed);
      return renewed;
    },
  };
}

function packed(text: string | null): KeptAnswer | null {
  if (text === null) return null;
  const etag = createHash('sha256').update(text).digest('base64url').slice(0, 22);
  return { body: Buffer.from(text), etag: `"${etag}"` };
}

/** Whether `ifNoneMatch` (RFC 9110 §13.1.2) names `etag`; weak comparison. */
export function namesTag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}
