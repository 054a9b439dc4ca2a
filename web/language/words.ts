/** Texts, numbers, money and times in the language that is spoken. */
import { spoken, type WordKey, type Words } from './language.ts';

type Values = Readonly<Record<string, string | number>>;

/** The text of `key` with `{names}` replaced; numbers are written as the language does, and `count` chooses the plural. */
export function say(key: WordKey, values: Values = {}): string {
  const { code, words } = spoken.get();
  return filled(textOf(words, key, { code, count: values.count }), values, code);
}

function textOf(
  words: Words,
  key: WordKey,
  { code, count }: { code: string; count: string | number | undefined },
): string {
  const text = words[key];
  if (typeof text === 'string') return text;
  return text[new Intl.PluralRules(code).select(Number(count))] ?? text.other ?? '';
}

function filled(text: string, values: Values, code: string): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (typeof value === 'number') return new Intl.NumberFormat(code).format(value);
    return value ?? whole;
  });
}

/** @param minor in the minor unit of `currency` (ISO 4217), whose digits Intl knows */
export function money(minor: number, currency: string, code: string = spoken.get().code): string {
  const format = new Intl.NumberFormat(code, { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  const whole = minor % 10 ** digits === 0;
  const shown = whole
    ? new Intl.NumberFormat(code, { style: 'currency', currency, maximumFractionDigits: 0, minimumFractionDigits: 0 })
    : format;
  return shown.format(minor / 10 ** digits);
}

/** A date with its time, in the zone of the reader. */
export function dateAndTime(iso: string): string {
  return new Intl.DateTimeFormat(spoken.get().code, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
  }).format(new Date(iso));
}

export function dayMonthYear(iso: string): string {
  return new Intl.DateTimeFormat(spoken.get().code, { dateStyle: 'medium' }).format(new Date(iso));
}

/** Minutes and seconds as a clock shows them: 9:05. */
export function minutesAndSeconds(seconds: number, code: string = spoken.get().code): string {
  const two = new Intl.NumberFormat(code, { minimumIntegerDigits: 2 });
  const one = new Intl.NumberFormat(code, { useGrouping: false });
  return `${one.format(Math.floor(seconds / 60))}:${two.format(seconds % 60)}`;
}

/** A wait as people say it: seconds below a minute and a half, minutes below an hour and a half, then hours. */
export function roughly(seconds: number, code: string = spoken.get().code): string {
  return roughlyBetween(seconds, seconds, code);
}

/** The same for a wait that may be anything from `low` to `high`, in the unit of the longer. */
export function roughlyBetween(low: number, high: number, code: string = spoken.get().code): string {
  const [unit, size] = unitOf(high);
  const format = new Intl.NumberFormat(code, { style: 'unit', unit, unitDisplay: 'long' });
  const whole = (seconds: number) => Math.max(1, Math.round(seconds / size));
  return whole(low) === whole(high) ? format.format(whole(high)) : format.formatRange(whole(low), whole(high));
}

function unitOf(seconds: number): readonly [unit: 'second' | 'minute' | 'hour', seconds: number] {
  if (seconds < 90) return ['second', 1];
  return seconds < 5_400 ? ['minute', 60] : ['hour', 3_600];
}
