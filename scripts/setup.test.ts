/** setup.mjs in a house of its own, with stand-ins for npm, the compiler and redis-server that note how they are called. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

describe('setup', () => {
  let house: string;
  const at = (...path: string[]) => join(house, ...path);
  const lock = {
    '': {},
    'node_modules/typescript': { version: '7.0.2', integrity: 'sha512-a' },
    'node_modules/for-another-platform': { version: '1.0.0', integrity: 'sha512-b', optional: true },
  };

  beforeEach(() => {
    house = mkdtempSync(join(tmpdir(), 'onsale-setup-'));
    for (const folder of ['scripts', 'bin', 'engine', 'web']) mkdirSync(at(folder));
    cpSync(join(import.meta.dirname, 'setup.mjs'), at('scripts', 'setup.mjs'));
    writeFileSync(at('main.ts'), '');
    writeFileSync(at('engine', 'zone.ts'), '');
    writeFileSync(at('web', 'main.tsx'), '');
    writeLock(lock);
    writeFileSync(at('bin', 'redis-server'), '', { mode: 0o755 });
    writeFileSync(
      at('npm.mjs'),
      `import { appendFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
      appendFileSync('npm-calls', process.argv.slice(2).join(' ') + '\\n');
      for (const name of ['typescript', 'vite']) mkdirSync('node_modules/' + name + '/bin', { recursive: true });
      const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
      const installed = Object.entries(packages).filter(([path, { optional }]) => path && !optional);
      writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages: Object.fromEntries(installed) }));
      cpSync('tsc.cjs', 'node_modules/typescript/bin/tsc');
      writeFileSync('node_modules/vite/bin/vite.js', "require('fs').appendFileSync('vite-calls', 'call\\\\n')");
      console.log('npm talks');`,
    );
    writeCompiler(`require('fs').mkdirSync('dist', { recursive: true }); console.log('tsc talks');`);
  });
  afterEach(() => rmSync(house, { recursive: true }));

  it('installs and builds a fresh clone, then has nothing to do and says nothing', () => {
    const first = setUp();
    expect(first).toMatchObject({ status: 0, stdout: '' });
    expect(first.stderr).toMatch(/installing the npm packages.*building dist.*building the pages/s);
    expect(calls('npm-calls')).toEqual(['install --no-save --include=dev --no-audit --no-fund --loglevel=error']);
    expect(calls('tsc-calls')).toHaveLength(1);
    expect(calls('vite-calls')).toHaveLength(1);

    expect(setUp()).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(calls('npm-calls')).toHaveLength(1);
    expect(calls('tsc-calls')).toHaveLength(1);
    expect(calls('vite-calls')).toHaveLength(1);
  });

  it('installs again when the lock file names another version', () => {
    setUp();
    writeLock({ ...lock, 'node_modules/typescript': { version: '7.0.3', integrity: 'sha512-c' } });
    expect(setUp().status).toBe(0);
    expect(calls('npm-calls')).toHaveLength(2);
  });

  it('builds again when a source is newer than the build, not for a test', () => {
    setUp();
    const later = Date.now() / 1000 + 60;
    writeFileSync(at('engine', 'zone.test.ts'), '');
    utimesSync(at('engine', 'zone.test.ts'), later, later);
    setUp();
    expect(calls('tsc-calls')).toHaveLength(1);
    utimesSync(at('engine', 'zone.ts'), later, later);
    setUp();
    expect(calls('tsc-calls')).toHaveLength(2);
  });

  it('builds the pages again, and nothing else, when one of theirs is newer', () => {
    setUp();
    const later = Date.now() / 1000 + 60;
    utimesSync(at('web', 'main.tsx'), later, later);
    setUp();
    expect(calls('tsc-calls')).toHaveLength(1);
    expect(calls('vite-calls')).toHaveLength(2);
  });

  it('fails when the build fails, and tries again the next time', () => {
    writeCompiler('process.exitCode = 2;');
    const failed = setUp();
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain('tsc');
    setUp();
    expect(calls('tsc-calls')).toHaveLength(2);
  });

  it('tells how to get a redis-server where it cannot install one', () => {
    rmSync(at('bin', 'redis-server'));
    const failed = setUp();
    expect(failed.status).toBe(1);
    expect(failed.stderr).toMatch(/brew install redis.*apt-get install redis-server.*docker run/s);
    expect(existsSync(at('dist'))).toBe(false);
  });

  it('needs no redis-server when another Redis is configured, but for the tests', () => {
    rmSync(at('bin', 'redis-server'));
    expect(setUp({ REDIS_URL: 'redis://elsewhere' }).status).toBe(0);
    expect(setUp({ REDIS_URL: 'redis://elsewhere', npm_lifecycle_event: 'pretest' }).status).toBe(1);
  });

  /** The PATH holds the stand-in and nothing else: no apt-get either. */
  function setUp(more: Readonly<Record<string, string>> = {}) {
    const env = { PATH: at('bin'), npm_execpath: at('npm.mjs'), ...more };
    return spawnSync(process.execPath, [at('scripts', 'setup.mjs')], { cwd: tmpdir(), env, encoding: 'utf8' });
  }

  function writeLock(packages: object): void {
    writeFileSync(at('package-lock.json'), JSON.stringify({ packages }));
  }

  function writeCompiler(text: string): void {
    writeFileSync(at('tsc.cjs'), `require('fs').appendFileSync('tsc-calls', 'call\\n');\n${text}`);
  }

  function calls(file: string): string[] {
    return readFileSync(at(file), 'utf8').trim().split('\n');
  }
});
