/**
 * Which master of a Redis Cluster has which key, as the cluster says it (`CLUSTER SLOTS`). Slots are those of the cluster
 * specification: CRC16 of the key, or of what stands between its first braces, by 16 384.
 */
import { Redis } from 'ioredis';
import { RedisUnavailable } from './server.ts';

export interface KeyMap {
  /** Addresses, as URLs. */
  readonly masters: ReadonlySet<string>;
  /** Null: nobody serves its slot. */
  masterOf(key: string): string | null;
}

const slots = 16_384;

/** Of a cluster's answer: first slot, last slot, then who has them, the master first. */
type SlotRange = readonly [number, number, readonly [string | null, number], ...unknown[]];

/** Asks one after the other until one answers. Rejects with `RedisUnavailable` when none does. */
export async function readKeyMap(urls: readonly string[], timeoutMs: number): Promise<KeyMap> {
  let cause: unknown;
  for (const url of urls) {
    try {
      return mapOf(url, await askSlots(url, timeoutMs));
    } catch (error) {
      cause = error;
    }
  }
  throw new RedisUnavailable('no member of the Redis Cluster answers', { cause });
}

async function askSlots(url: string, timeoutMs: number): Promise<readonly SlotRange[]> {
  const limits = { connectTimeout: timeoutMs, commandTimeout: timeoutMs, maxRetriesPerRequest: 0 };
  const redis = new Redis(url, { ...limits, lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => {}); // the command rejects
  try {
    await redis.connect();
    return (await redis.call('CLUSTER', 'SLOTS')) as readonly SlotRange[];
  } finally {
    redis.disconnect();
  }
}

function mapOf(askedUrl: string, ranges: readonly SlotRange[]): KeyMap {
  const owners = new Array<string | null>(slots).fill(null);
  const masters = new Set<string>();
  for (const [first, last, [host, port]] of ranges) {
    const url = new URL(askedUrl);
    // Without a name of its own a member is where it was asked.
    if (host) url.hostname = host.includes(':') ? `[${host}]` : host;
    url.port = String(port);
    masters.add(url.href);
    owners.fill(url.href, first, last + 1);
  }
  return { masters, masterOf: (key) => owners[slotOf(key)] ?? null };
}

export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  return crc16(close > open + 1 ? key.slice(open + 1, close) : key) % slots;
}

/** XMODEM: polynomial 0x1021, begins at 0. */
function crc16(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    crc &= 0xffff;
  }
  return crc;
}
