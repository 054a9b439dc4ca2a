/** The house rules that no linter knows, as functions from a file to what is wrong with it. tidy.test.ts applies them. */

const lineLimit = 300;

/** Unfinished work and silenced checks. */
const marks = [
  /\b(TODO|FIXME|XXX|HACK)\b/,
  /\bas any\b/,
  /@ts-(ignore|nocheck|expect-error)/,
  /\b(it|test|describe)\.(only|todo|skip)\b/,
  /\bexpect\(true\)/,
];

/** Names of rooms that belong to nobody. */
const ownerless = /(^|\/)(utils?|helpers?|common|misc|shared)(\/|\.[a-z]+$)/;

/** What a file begins with: the comment that tells what it owns. Tests are told by their names. */
const openings: readonly (readonly [files: RegExp, opening: RegExp])[] = [
  [/(?<!\.test)\.tsx?$|\.mjs$/, /^(#!.*\n)?\/\*\* ?\S|^(#!.*\n)?\/\*\*\n/],
  [/\.(lua|sql)$/, /^-- /],
];

/** One sentence for each violation; none for a tidy file. `path` is relative to the root. */
export function untidiness(path: string, text: string): readonly string[] {
  const found: string[] = [];
  const lines = text.trimEnd().split('\n');
  if (lines.length > lineLimit) found.push(`${lines.length} lines, more than ${lineLimit}`);
  if (ownerless.test(path)) found.push('a room without an owner: name it after what it holds');
  for (const [index, line] of lines.entries()) {
    if (marks.some((mark) => mark.test(line))) found.push(`line ${index + 1}: ${line.trim()}`);
    if (path.startsWith('engine/') && line.includes('Math.random'))
      found.push(`line ${index + 1}: chance in the engine`);
  }
  if (/\.(skipIf|runIf)\(/.test(text) && !text.includes("'skipped: ")) found.push('skips without printing why');
  for (const [files, opening] of openings) {
    if (files.test(path) && !opening.test(text)) found.push('does not begin by saying what it owns');
  }
  if (path.endsWith('.lua')) found.push(...luaUntidiness(text));
  return found.map((problem) => `${path}: ${problem}`);
}

/**
 * A script's header names each of KEYS and ARGV with its unit or shape; its first paragraph binds them to locals of
 * the same names, and nothing after it counts on numbers. `-- KEYS[2..] …` stands for the rest of the list.
 */
function luaUntidiness(text: string): readonly string[] {
  const lines = text.split('\n');
  const code = lines.findIndex((line) => !line.startsWith('--'));
  const blank = lines.indexOf('', code);
  const header = lines.slice(0, code).join('\n');
  const opening = lines.slice(code, blank).join('\n');
  const body = lines.slice(blank).join('\n');
  const found = ['KEYS', 'ARGV'].flatMap((list) => {
    const promised = promises(list, header);
    const bound = bindings(list, opening);
    const rest = new RegExp(`^-- ${list}\\[\\d+\\.\\.\\] \\S`, 'm').test(header);
    return [
      ...(promised.join() === bound.join()
        ? []
        : [`the header has ${list} [${promised}], the first lines bind [${bound}]`]),
      ...(new RegExp(`\\b${list}\\[\\d`).test(body) ? [`${list} used by number after the first lines`] : []),
      ...(!rest && new RegExp(`\\b${list}\\b(?!\\[\\d)`).test(body) ? [`${list} used beyond what the header has`] : []),
    ];
  });
  return /^-- Returns \S/m.test(header) ? found : [...found, 'the header does not say what the script returns'];
}

/** `1 gate`, `2 zone`, … as the header has them. */
function promises(list: string, header: string): readonly string[] {
  const lines = header.matchAll(new RegExp(`^-- ${list}\\[(\\d+)\\] (\\w+): \\S`, 'gm'));
  return [...lines].map(([, number, name]) => `${number} ${name}`);
}

/** The same as `local gate, zone = KEYS[1], KEYS[2]` and its like have them. */
function bindings(list: string, opening: string): readonly string[] {
  return [...opening.matchAll(/^local (.+) = (.+)$/gm)].flatMap(([, names = '', values = '']) => {
    const name = names.split(', ');
    return values.split(', ').flatMap((value, at) => {
      const number = new RegExp(`^(?:tonumber\\()?${list}\\[(\\d+)\\]\\)?$`).exec(value)?.[1];
      return number ? [`${number} ${name[at]}`] : [];
    });
  });
}
