/** A line of a file of JSON lines, as the commands that read such files take it. */
import { z } from 'zod';
import { UsageError } from '../config.ts';

/** Throws `UsageError` that says at which line what is wrong. */
export function readJsonLine<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  place: { readonly file: string; readonly line: number },
): z.output<Schema> {
  const at = `${place.file}, line ${place.line}`;
  const parsed = schema.safeParse(parseJson(text, at));
  if (parsed.success) return parsed.data;
  throw new UsageError(`${at}: ${z.prettifyError(parsed.error)}`);
}

function parseJson(text: string, at: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`${at}: is not JSON`);
  }
}
