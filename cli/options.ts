/** Values of the command line, read before anything is started for them. */
import { z } from 'zod';
import { UsageError } from '../config.ts';

/** A whole number from `least` on. Throws `UsageError`. */
export function count(text: string | undefined, option: string, least: number): number {
  const value = Number(text);
  if (text !== undefined && text !== '' && Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`--${option} must be a whole number of at least ${least}`);
}

/** The origin of a server, or null without one. Throws `UsageError`. */
export function serverUrl(text: string | undefined): string | null {
  if (text === undefined || z.url({ protocol: /^https?$/ }).safeParse(text).success) return text ?? null;
  throw new UsageError('--server must be an address such as http://127.0.0.1:8080');
}

/** The id of an event, or null without one. Throws `UsageError`. */
export function eventId(text: string | undefined): string | null {
  if (text === undefined || z.uuid().safeParse(text).success) return text ?? null;
  throw new UsageError('--event must be the id of an event, as GET /api/v1/events shows it');
}
