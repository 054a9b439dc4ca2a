/** The languages of the pages: which one is spoken, and its words. Each is one file of the same shape; words.test.ts compares them. */
import { observed } from '../observed.ts';
import en from './en.json' with { type: 'json' };

export type WordKey = keyof typeof en;
/** A text, or one for each plural category (Intl.PluralRules) of its `{count}`. */
type Text = string | Partial<Record<Intl.LDMLPluralRule, string>>;
export type Words = Readonly<Record<WordKey, Text>>;

export const languages = {
  en: { name: 'English', load: async (): Promise<Words> => en },
  th: { name: 'ไทย', load: async (): Promise<Words> => (await import('./th.json')).default },
  vi: { name: 'Tiếng Việt', load: async (): Promise<Words> => (await import('./vi.json')).default },
} as const;

export type LanguageCode = keyof typeof languages;

const storageKey = 'onsale language';

/** What is spoken, with its words: both change at once. */
export const spoken = observed<{ readonly code: LanguageCode; readonly words: Words }>({ code: 'en', words: en });

/** The language chosen here before, else the first that the browser asks for and we speak, else English. */
export function preferredLanguage(chosen: string | null, browserLanguages: readonly string[]): LanguageCode {
  const wishes = [chosen ?? '', ...browserLanguages.map((language) => language.slice(0, 2))];
  return wishes.find((wish): wish is LanguageCode => wish in languages) ?? 'en';
}

/** Speaks the preferred language. */
export function beginToSpeak(): Promise<void> {
  return speak(preferredLanguage(localStorage.getItem(storageKey), navigator.languages));
}

/** Speaks another language from now on, also the next time. */
export async function chooseLanguage(code: LanguageCode): Promise<void> {
  localStorage.setItem(storageKey, code);
  await speak(code);
}

async function speak(code: LanguageCode): Promise<void> {
  const words = await languages[code].load();
  document.documentElement.lang = code;
  spoken.set({ code, words });
}
