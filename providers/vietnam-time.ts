/** Times as the Vietnamese providers write them: digits of the wall clock in GMT+7, which has no summer time. */

const offsetMs = 7 * 3_600_000;

/** `yyyyMMddHHmmss`. */
export function vietnamTime(atMs: number): string {
  return new Date(atMs + offsetMs).toISOString().slice(0, 19).replaceAll(/[-T:]/g, '');
}

/** `yyMMdd`. */
export function vietnamDay(atMs: number): string {
  return vietnamTime(atMs).slice(2, 8);
}

/** Epoch ms of a `yyyyMMddHHmmss`; NaN when it is none. */
export function readVietnamTime(text: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text);
  if (!parts) return Number.NaN;
  const [, year, month, day, hour, minute, second] = parts;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) - offsetMs;
}
