/** The house rules, kept by a test: each rule is applied to every file, and each is seen to fail on a planted one. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untidiness } from './house-rules.ts';

const root = join(import.meta.dirname, '..');

describe('every file', () => {
  it('is tidy', () => {
    const spelling = ['test/tidy.test.ts', 'test/house-rules.ts']; // these two must spell out what is forbidden
    const files = filesBelow('').filter((path) => /\.(ts|tsx|mjs|lua|sql)$/.test(path) && !spelling.includes(path));
    expect(files.length).toBeGreaterThan(20);
    expect(files.flatMap((path) => untidiness(path, readFileSync(join(root, path), 'utf8')))).toEqual([]);
  });

  function filesBelow(folder: string): string[] {
    return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (!entry.isDirectory()) return [path];
      return entry.name.startsWith('.') || ['node_modules', 'dist'].includes(entry.name) ? [] : filesBelow(path);
    });
  }
});

describe('a rule of our own finds', () => {
  const tidyLua =
    '-- Adds.\n-- KEYS[1] zone: hash\n-- ARGV[1] seats: (number)\n-- Returns 1\n' +
    'local zone = KEYS[1]\nlocal seats = tonumber(ARGV[1])\n\nreturn 1\n';

  it.each([
    ['a long file', 'engine/zone.ts', `/** Owns. */\n${'x;\n'.repeat(300)}`, '301 lines'],
    ['an unfinished line', 'engine/zone.ts', '/** Owns. */\n// TODO later\n', 'line 2'],
    ['a silenced type', 'engine/zone.ts', '/** Owns. */\nconst x = y as any;\n', 'line 2'],
    ['a silenced compiler', 'engine/zone.ts', '/** Owns. */\n// @ts-ignore\n', 'line 2'],
    ['a test that runs alone', 'engine/zone.test.ts', "it.only('x', () => {});\n", 'line 1'],
    ['a skipped test', 'engine/zone.test.ts', "it.skip('x', () => {});\n", 'line 1'],
    ['a test skipped without a word', 'engine/zone.test.ts', "it.skipIf(!url)('x', () => {});\n", 'skips'],
    ['a room without an owner', 'engine/utils/money.ts', '/** Owns. */\n', 'owner'],
    ['a file without an owner', 'http/helpers.ts', '/** Owns. */\n', 'owner'],
    ['a file that does not say what it owns', 'engine/zone.ts', 'export const x = 1;\n', 'does not begin'],
    ['a query file that does not', 'persistence/postgres/migrations/1.sql', 'select 1;\n', 'does not begin'],
    ['chance in the engine', 'engine/zone.ts', '/** Owns. */\nMath.random();\n', 'line 2'],
    ['a key without a name', 'lua/add.lua', tidyLua.replace('-- KEYS[1] zone: hash\n', ''), 'the header has KEYS []'],
    ['an argument bound to another name', 'lua/add.lua', tidyLua.replace('local seats', 'local held'), 'bind [1 held]'],
    ['a key used by number', 'lua/add.lua', tidyLua.replace('return 1\n', 'return KEYS[1]\n'), 'by number'],
    ['keys beyond the header', 'lua/add.lua', tidyLua.replace('return 1\n', 'return #KEYS\n'), 'beyond'],
    ['an answer without a word', 'lua/add.lua', tidyLua.replace('-- Returns 1\n', ''), 'returns'],
  ])('%s', (_what, path, text, sentence) => {
    expect(untidiness(path, text)).toEqual([expect.stringContaining(sentence)]);
  });

  it('nothing in a tidy script', () => {
    expect(untidiness('lua/add.lua', tidyLua)).toEqual([]);
  });
});

describe('a rule of Biome', () => {
  /** A copy of nothing but the configuration, in which files are planted: the house itself stays as it is. */
  let house: string;
  let diagnostics: readonly { readonly path: string; readonly rule: string }[];

  const imports = (...specifiers: string[]) => specifiers.map((name, n) => `import x${n} from '${name}';\nx${n}();\n`);
  /** Each text is a file of its own in the place named. */
  const forbiddenImports: Readonly<Record<string, readonly string[]>> = {
    'engine/': [
      ...imports('node:fs', 'zod', '../actors/zone.ts', '../telemetry.ts', '../persistence/postgres/lane.ts'),
      "export type { Pool } from 'pg';\n",
      "export const x = await import('../config.ts');\n",
    ],
    'actors/': imports('nact', 'ioredis', 'node:fs', '../config.ts', '../http/server.ts', '../persistence/embedded.ts'),
    'actors/cluster/': imports('nact', '../../persistence/redis/gate.ts', '../../main.ts'),
    'persistence/': imports('nact', 'zeromq', '../actors/zone.ts', '../http/server.ts', '../config.ts', '../main.ts'),
    'persistence/redis/': imports('uWebSockets.js', '../../actors/zone.ts', '../../providers/stripe/stripe.ts'),
    'providers/stripe/': imports('nact', '../../actors/zone.ts', '../../persistence/redis/gate.ts', '../../config.ts'),
    'mesh/': imports(
      'nact',
      'ioredis',
      'node:fs',
      '../actors/zone-requests.ts',
      '../persistence/codec.ts',
      '../config.ts',
    ),
    'http/': imports('uWebSockets.js', 'nact', 'pg', 'ioredis', 'stripe', 'zeromq', '../mesh/mesh.ts', '../main.ts'),
    'http/handlers/': imports('uWebSockets.js', 'pg', '../../persistence/embedded.ts', '../../config.ts'),
    'http/live/': imports('uWebSockets.js', 'ioredis', '../../config.ts'),
    'web/': imports('node:fs', 'zod', '../engine/outcome.ts', '../http/server.ts'),
    'web/event/': imports('node:fs', 'pg', '../../http/problem.ts', '../../engine/zone.ts', '../../config.ts'),
    'cli/': imports('nact', 'uWebSockets.js', '../main.ts', '../test/stores.ts'),
    '': imports('zeromq', 'nact', 'uWebSockets.js', './main.ts', './bench/rush.ts', './test/stores.ts'),
  };
  const allowedImports: Readonly<Record<string, readonly string[]>> = {
    'engine/': imports('./outcome.ts'),
    'actors/': imports('./kit.ts', '../engine/zone.ts', '../telemetry.ts', './cluster/shards.ts'),
    'actors/cluster/': imports('../kit.ts', './mesh.ts', '../../engine/zone.ts', '../../telemetry.ts'),
    'persistence/redis/': imports('ioredis', 'node:fs', '../codec.ts', '../../engine/ports.ts', '../../telemetry.ts'),
    'providers/stripe/': imports('stripe', 'node:crypto', '../../engine/payment.ts'),
    'mesh/': imports(
      'zeromq',
      'msgpackr',
      'node:crypto',
      'node:net',
      './frame.ts',
      '../engine/mesh.ts',
      '../telemetry.ts',
    ),
    'http/handlers/': imports(
      'zod',
      '../route.ts',
      '../../actors/zone.ts',
      '../../engine/zone.ts',
      '../../telemetry.ts',
    ),
    'web/': imports('preact', 'preact/hooks', './router.ts'),
    'web/event/': imports('preact/hooks', '../router.ts', '../../http/event-view.ts', '../../engine/outcome.ts'),
    'web/queue/': imports('./line.ts', '../../engine/line.ts', '../../engine/wait-estimate.ts'),
    'cli/': imports('../config.ts', '../bench/rush.ts', '../actors/tree.ts', '../persistence/embedded.ts'),
  };
  const onlyHere: Readonly<Record<string, string>> = {
    'actors/kit.ts': imports('nact').join(''),
    'http/server.ts': imports('uWebSockets.js').join(''),
    'http/exchange.ts': imports('uWebSockets.js').join(''),
    'http/live/socket.ts': imports('uWebSockets.js', '../route.ts', '../../engine/outcome.ts').join(''),
    'config.ts': 'export const port = process.env.PORT;\n',
  };
  const others: readonly (readonly [rule: string, path: string, text: string])[] = [
    ['noRestrictedGlobals', 'engine/time.ts', 'export const now = () => Date.now();\n'],
    ['noRestrictedGlobals', 'engine/timer.ts', 'export const later = (run: () => void) => setTimeout(run, 1);\n'],
    ['noRestrictedGlobals', 'engine/surroundings.ts', 'export const pid = () => process.pid;\n'],
    ['noRestrictedGlobals', 'engine/chance.ts', 'export const id = () => crypto.randomUUID();\n'],
    ['noRestrictedGlobals', 'engine/measure.ts', 'export const now = () => performance.now();\n'],
    ['noConsole', 'actors/talk.ts', "console.log('x');\n"],
    ['noProcessEnv', 'http/settings.ts', 'export const port = process.env.PORT;\n'],
    ['noEnum', 'engine/kinds.ts', 'export enum Kind {\n  A,\n}\n'],
    ['noDefaultExport', 'engine/thing.ts', 'export default 1;\n'],
    ['noParameterProperties', 'engine/thing-class.ts', 'export class A {\n  constructor(readonly a: number) {}\n}\n'],
    ['noExplicitAny', 'engine/anything.ts', 'export const x: any = 1;\n'],
    ['useMaxParams', 'engine/wide.ts', 'export const f = (a = 1, b = 1, c = 1, d = 1, e = 1) => a + b + c + d + e;\n'],
    ['noExcessiveLinesPerFunction', 'engine/tall.ts', `export function f() {\n${'  f();\n'.repeat(71)}}\n`],
    ['noExcessiveLinesPerFile', 'engine/long.ts', 'export {};\n'.repeat(301)],
    ['useFilenamingConvention', 'engine/someThing.ts', 'export const x = 1;\n'],
    ['noFloatingPromises', 'actors/adrift.ts', 'async function f(): Promise<void> {}\nf();\n'],
    ['noMisusedPromises', 'actors/truthy.ts', 'async function f(): Promise<void> {}\nif (f()) f();\n'],
    [
      'useExhaustiveSwitchCases',
      'engine/gap.ts',
      "export function f(k: 'a' | 'b') {\n  switch (k) {\n    case 'a':\n      return 1;\n  }\n}\n",
    ],
    ['noImportCycles', 'engine/hen.ts', "import { egg } from './egg.ts';\nexport const hen = () => egg;\n"],
  ];

  beforeAll(() => {
    house = mkdtempSync(join(tmpdir(), 'onsale-house-'));
    for (const name of ['biome.json', '.gitignore', 'package.json']) cpSync(join(root, name), join(house, name));
    plant('engine/egg.ts', "import { hen } from './hen.ts';\nexport const egg = () => hen;\n");
    for (const [place, texts] of Object.entries(forbiddenImports)) plantAll(place, 'forbidden', texts);
    for (const [place, texts] of Object.entries(allowedImports)) plantAll(place, 'allowed', texts);
    for (const [path, text] of Object.entries(onlyHere)) plant(path, text);
    for (const [, path, text] of others) plant(path, text);
    diagnostics = lint();
  });
  afterAll(() => rmSync(house, { recursive: true }));

  it.each(Object.entries(forbiddenImports))('refuses each import that does not belong in %s', (place, texts) => {
    for (const [n, text] of texts.entries()) {
      expect(rulesBrokenBy(`${place}forbidden-${n}.ts`), text).toContain('noRestrictedImports');
    }
  });

  it.each(Object.entries(allowedImports))('lets pass each import that belongs in %s', (place, texts) => {
    for (const [n, text] of texts.entries()) {
      expect(rulesBrokenBy(`${place}allowed-${n}.ts`), text).not.toContain('noRestrictedImports');
    }
  });

  it.each(Object.keys(onlyHere))('lets %s do what nobody else may', (path) => {
    expect(rulesBrokenBy(path)).not.toContain('noRestrictedImports');
    expect(rulesBrokenBy(path)).not.toContain('noProcessEnv');
  });

  it.each(others)('%s fires in %s', (rule, path) => {
    expect(rulesBrokenBy(path)).toContain(rule);
  });

  function plantAll(place: string, kind: string, texts: readonly string[]): void {
    for (const [n, text] of texts.entries()) plant(`${place}${kind}-${n}.ts`, text);
  }

  function plant(path: string, text: string): void {
    mkdirSync(dirname(join(house, path)), { recursive: true });
    writeFileSync(join(house, path), text);
  }

  function rulesBrokenBy(path: string): readonly string[] {
    return diagnostics.filter((found) => found.path === path).map((found) => found.rule);
  }

  function lint(): typeof diagnostics {
    const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
    const args = [biome, 'lint', '--reporter=json', '--max-diagnostics=none', '.'];
    let report: string;
    try {
      report = execFileSync(process.execPath, args, {
        cwd: house,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    } catch (error) {
      report = (error as { stdout: string }).stdout; // violations are what we came for
    }
    const found: { category: string; location: { path: string } }[] = JSON.parse(report).diagnostics;
    return found.map(({ category, location }) => ({ path: location.path, rule: category.split('/').at(-1) ?? '' }));
  }
});
