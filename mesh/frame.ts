/**
 * What nodes say to each other, in bytes. A frame gathers what one node has for another at the end of a turn of its
 * event loop: requests, and answers to the other's requests. It is a msgpack array `[sentAtMs, item…]`.
 *
 * A hello is the only thing that every version of the protocol must understand: a msgpack map, sent without a ticket.
 */
import { Packr } from 'msgpackr';
import type { MeshRefusal } from '../engine/mesh.ts';

/** Raised with each change to what commands, answers or frames look like: nodes of two versions do not talk. */
export const protocolVersion = 1;

/** Bytes that prove which node wrote a frame; given to it in our hello, which nobody else could read. */
export const ticketBytes = 16;

/** More is never sent, and thrown away when it comes. */
export const frameBytesMax = 256 * 1024;

/** The time that is left travels, not a point in time: clocks of two nodes differ. */
export type Ask = readonly [kind: 0, id: number, leftMs: number, command: unknown];
/** An answer, a refusal (which is sure that nothing happened) or the word that there will be no answer. */
export type Settled =
  | readonly [kind: 1, id: number, value: unknown]
  | readonly [kind: 2, id: number, reason: MeshRefusal]
  | readonly [kind: 3, id: number];
export type Item = Ask | Settled;

export interface Hello {
  readonly version: number;
  readonly nodeId: string;
  readonly ticket: Buffer;
}

// Every frame is read by itself, so that one may be lost.
const packr = new Packr({ useRecords: false });

export function packHello({ version, nodeId, ticket }: Hello): Buffer {
  return packr.pack({ mesh: version, node: nodeId, ticket });
}

/** Null when it is none. */
export function unpackHello(bytes: Buffer): Hello | null {
  const hello = unpacked(bytes);
  if (typeof hello !== 'object' || hello === null) return null;
  const { mesh: version, node: nodeId, ticket } = hello as Readonly<Record<string, unknown>>;
  if (typeof version !== 'number' || typeof nodeId !== 'string' || !Buffer.isBuffer(ticket)) return null;
  return ticket.length === ticketBytes ? { version, nodeId, ticket } : null;
}

/** What cannot travel, with the reason why it cannot be packed; null: it is too large. */
export interface Misfit {
  readonly item: Item;
  readonly error: unknown;
}

/** Packs items in their order into as few frames as may be. `misfit` hears of those that fit into none. */
export function packFrames(
  items: readonly Item[],
  sentAtMs: number,
  misfit: (misfit: Misfit) => void,
): readonly Buffer[] {
  if (items.length === 0) return [];
  let bytes: Buffer | null = null;
  let error: unknown = null;
  try {
    bytes = packr.pack([sentAtMs, ...items]);
  } catch (cause) {
    error = cause;
  }
  if (bytes && bytes.length <= frameBytesMax) return [bytes];
  const [item, next] = items;
  if (item && next === undefined) {
    misfit({ item, error });
    return [];
  }
  const middle = items.length >> 1;
  return [items.slice(0, middle), items.slice(middle)].flatMap((half) => packFrames(half, sentAtMs, misfit));
}

export interface Frame {
  /** In the sender's steady clock. */
  readonly sentAtMs: number;
  readonly items: readonly Item[];
}

/** Null when it is malformed in any part. */
export function unpackFrame(bytes: Buffer): Frame | null {
  const frame = unpacked(bytes);
  if (!Array.isArray(frame)) return null;
  const [sentAtMs, ...items] = frame as readonly unknown[];
  return Number.isFinite(sentAtMs) && items.every(isItem) ? { sentAtMs: sentAtMs as number, items } : null;
}

const fieldsOf: Readonly<Record<number, number>> = { 0: 4, 1: 3, 2: 3, 3: 2 };

function isItem(item: unknown): item is Item {
  if (!Array.isArray(item)) return false;
  const [kind, id, third] = item as readonly unknown[];
  if (typeof kind !== 'number' || item.length !== fieldsOf[kind] || !Number.isSafeInteger(id)) return false;
  return kind === 0 ? Number.isFinite(third) : kind !== 2 || typeof third === 'string';
}

/** Undefined for what is not msgpack. Deep nesting ends as a RangeError here, which is no more than malformed. */
function unpacked(bytes: Buffer): unknown {
  try {
    return packr.unpack(bytes);
  } catch {
    return undefined;
  }
}
