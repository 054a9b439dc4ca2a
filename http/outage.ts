/**
 * Which errors mean "not now": a store or provider could not be reached, gave no answer in time, or is overloaded.
 * Told by the names, codes and words that drivers give them, since the edge knows no driver; outage.test.ts takes
 * real stores away. Everything else is a fault of ours.
 */

const names = new Set(['AnswerLost', 'RedisUnavailable', 'ProviderUnavailable', 'MaxRetriesPerRequestError']);
const systemCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** SQLSTATE classes: connection, resources, operator's intervention and time-outs, locks, deadlocks. */
const sqlStates = /^(08|53|57|55P03|40)[0-9A-Z]*$/;
/** What pg and ioredis say in errors without a code. */
const sentences =
  /^(Connection terminated|Connection is closed|Command timed out|Query read timeout|timeout exceeded|Client has encountered a connection error|Stream isn't writeable)/;

export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return names.has(error.name) || systemCodes.has(code) || sqlStates.test(code) || sentences.test(error.message);
}
