import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { rejections } from '../../engine/outcome.ts';
import { type LanguageCode, languages, preferredLanguage, spoken, type Words } from './language.ts';
import { declineWords, refusalWords } from './refusal-words.ts';
import { minutesAndSeconds, money, roughly, roughlyBetween, say } from './words.ts';

const codes = Object.keys(languages) as LanguageCode[];
const english = spoken.get();
const plain = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, ' ');

afterEach(() => spoken.set(english));

async function speak(code: LanguageCode): Promise<Words> {
  const words = await languages[code].load();
  spoken.set({ code, words });
  return words;
}

describe.each(codes)('the words in %s', (code) => {
  it('have the same keys, and in each the same values to fill in', async () => {
    const words = await languages[code].load();
    expect(Object.keys(words)).toEqual(Object.keys(english.words));
    for (const [key, text] of Object.entries(words)) {
      expect(namesIn(text), key).toEqual(namesIn(english.words[key as keyof Words]));
    }
  });

  it('have a text for every plural that the language knows', async () => {
    const { pluralCategories } = new Intl.PluralRules(code).resolvedOptions();
    for (const [key, text] of Object.entries(await languages[code].load())) {
      if (typeof text !== 'string') expect(Object.keys(text).sort(), key).toEqual([...pluralCategories].sort());
    }
  });

  it('tell every refusal of the API without its code', async () => {
    await speak(code);
    for (const refused of Object.keys(rejections) as (keyof typeof rejections)[]) {
      const words = refusalWords({ code: refused, details: {}, retryAfterSeconds: 2 });
      expect(words.length, refused).toBeGreaterThan(5);
      expect(words, refused).not.toMatch(/[A-Z]_[A-Z]|undefined|\{/);
    }
  });

  function namesIn(text: Words[keyof Words]): readonly string[] {
    const texts = typeof text === 'string' ? [text] : Object.values(text);
    return [...new Set(texts.flatMap((one) => [...one.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)))].sort();
  }
});

it('every text is said somewhere', () => {
  const folder = join(import.meta.dirname, '..');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?<!\.test)\.tsx?$/.test(name))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
  // The rest of these keys is a code, a status or a kind.
  const composed = ['refusal', 'booking', 'trouble'].filter((room) => sources.includes(`\`${room}.${'$'}{`));
  const unsaid = Object.keys(english.words).filter(
    (key) => !new RegExp(`['"]${key}['"]`).test(sources) && !composed.includes(key.split('.')[0] ?? ''),
  );
  expect(unsaid).toEqual([]);
});

describe('a text', () => {
  it('has its values, numbers as the language writes them', async () => {
    expect(say('event.left', { count: 1_234 })).toBe('1,234 left');
    await speak('vi');
    expect(say('event.left', { count: 1_234 })).toBe('Còn 1.234 chỗ');
  });

  it('follows the number', () => {
    expect(say('room.ahead', { count: 1 })).toBe('1 person ahead of you');
    expect(say('room.ahead', { count: 2 })).toBe('2 people ahead of you');
  });
});

describe('a refusal', () => {
  it('for want of seats says how many there are, or that some may come back', () => {
    const of = (details: Record<string, number>) =>
      refusalWords({ code: 'INSUFFICIENT_STOCK', details, retryAfterSeconds: null });
    expect(of({ available: 1, held_may_return: 5 })).toMatch(/^Only 1 is left/);
    expect(of({ available: 0, held_may_return: 5 })).toMatch(/held by others/);
    expect(of({ available: 0, held_may_return: 0 })).toMatch(/^Sold out/);
  });

  it('by the bank says what to do; a reason that nobody knows is a plain decline', () => {
    expect(declineWords('insufficient_funds')).toMatch(/not enough money/);
    expect(declineWords('do_not_honor')).toMatch(/declined/);
    expect(declineWords('toString')).toMatch(/declined/);
    expect(declineWords(undefined)).toMatch(/declined/);
  });
});

describe('money', () => {
  it('comes in minor units, whose number the currency decides', () => {
    expect(plain(money(300_000, 'THB', 'en'))).toBe('THB 3,000');
    expect(plain(money(300_050, 'THB', 'en'))).toBe('THB 3,000.50');
    expect(plain(money(300_000, 'THB', 'th'))).toBe('฿3,000');
    expect(plain(money(300_000, 'VND', 'vi'))).toBe('300.000 ₫');
  });
});

describe('a time', () => {
  it('to pay is shown as on a clock', () => {
    expect(minutesAndSeconds(600, 'en')).toBe('10:00');
    expect(minutesAndSeconds(65, 'en')).toBe('1:05');
    expect(minutesAndSeconds(0, 'vi')).toBe('0:00');
  });

  it('to wait is told roughly', () => {
    expect(roughly(0, 'en')).toBe('1 second');
    expect(roughly(89, 'en')).toBe('89 seconds');
    expect(roughly(300, 'en')).toBe('5 minutes');
    expect(roughly(7_200, 'en')).toBe('2 hours');
    expect(plain(roughlyBetween(40, 83, 'en'))).toBe('40–83 seconds');
    expect(plain(roughlyBetween(11, 120, 'en'))).toBe('1–2 minutes');
    expect(roughlyBetween(110, 125, 'en')).toBe('2 minutes');
  });
});

describe('the language', () => {
  it('is the one chosen, else the first of the browser that we speak, else English', () => {
    expect(preferredLanguage('vi', ['th-TH'])).toBe('vi');
    expect(preferredLanguage(null, ['de-DE', 'th-TH', 'en-US'])).toBe('th');
    expect(preferredLanguage(null, ['de-DE'])).toBe('en');
    expect(preferredLanguage('xx', [])).toBe('en');
  });
});
