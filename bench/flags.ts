/** Reading the flags of `bench`: whole numbers with a default each, and variables for the server. */
import { UsageError } from '../config.ts';

/** Each flag's default and meaning. */
export type NumberFlags = Readonly<Record<string, readonly [number, string]>>;

/** What `parseArgs` is told of flags that take a text; numbers come as text, too. */
export function textFlags(names: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, { type: 'string' } as const]));
}

/** Throws a UsageError that says which flag is wrong. `defaults` come before those of the flags. */
export function readNumbers<F extends NumberFlags>(
  flags: F,
  given: Readonly<Record<string, unknown>>,
  defaults: Partial<Record<keyof F, number>> = {},
): Readonly<Record<keyof F, number>> {
  const read = Object.entries(flags).map(([name, [usual]]) => {
    const value = Number(given[name] ?? defaults[name] ?? usual);
    if (!Number.isSafeInteger(value) || value < 0) throw new UsageError(`--${name} must be a whole number`);
    return [name, value];
  });
  return Object.fromEntries(read);
}

/** Variables as `NAME=VALUE,NAME=VALUE`. Throws a UsageError for what is none. */
export function readSettings(text: string | undefined): Readonly<Record<string, string>> {
  const pairs = (text?.split(',') ?? []).map((pair) => {
    const [, name, value] = /^(\w+)=(.*)$/.exec(pair) ?? [];
    if (name === undefined || value === undefined) throw new UsageError(`--set: ${pair} is not NAME=VALUE`);
    return [name, value] as const;
  });
  return Object.fromEntries(pairs);
}
