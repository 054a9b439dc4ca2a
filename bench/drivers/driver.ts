/**
 * What a server must be asked, and how its answers are judged: all that a measurement has to know of it. Another server
 * is measured with a module of its own that exports `openDriver` (`--driver FILE.js`).
 */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Fixture } from '../../cli/seed.ts';
import { UsageError } from '../../config.ts';
import type { AckedBooking } from '../../engine/audit.ts';
import type { Answer } from '../load/response-parser.ts';
import type { Verdict } from '../load/tally.ts';
import { openJoinDriver } from './join.ts';
import { openReserveDriver } from './reserve.ts';
import { openWebhookDriver } from './webhook.ts';

export interface Request {
  readonly method: string;
  readonly path: string;
  /** Host and Content-Length are added. ASCII. */
  readonly headers: Readonly<Record<string, string>>;
  /** ASCII. */
  readonly body: string;
}

export interface Driver {
  /** Request number `n`, due at `dueAtMs` (epoch). Numbers are used once, by all processes together. */
  request(n: number, dueAtMs: number): Request;
  judge(answer: Answer): Verdict;
  /** The booking that an accepted answer promised; null when a driver's server has none to look up. */
  acked(n: number, answer: Answer): AckedBooking | null;
}

/** `runId` makes keys differ from run to run. */
export type OpenDriver = (fixture: Fixture, runId: string) => Driver;

/** `name` is `reserve`, `join`, `webhook`, or the path of a module. */
export async function findDriver(name: string): Promise<OpenDriver> {
  if (name === 'reserve') return openReserveDriver;
  if (name === 'join') return openJoinDriver;
  if (name === 'webhook') return openWebhookDriver;
  const { openDriver } = await import(pathToFileURL(resolve(name)).href);
  if (typeof openDriver !== 'function') throw new UsageError(`${name} does not export openDriver`);
  return openDriver;
}

/** The request as it goes over the wire, one character a byte. */
export function wireText({ method, path, headers, body }: Request, host: string): string {
  let head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n`;
  for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
  return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
}
