/**
 * Makes a fresh clone ready: packages, a redis-server, the build. Runs before `npm start`, `npm test` and the
 * commands, so it imports nothing but Node's own modules, says each step as one line on stderr, and is silent and
 * quick when there is nothing to do. It does not start anything.
 */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname, '..');

try {
  requireNode();
  installPackages();
  provideRedis();
  build();
  buildPages();
} catch (error) {
  process.stderr.write(`onsale: ${error.message}\n`);
  process.exitCode = 1;
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new Error(`Node ${process.versions.node} is too old: 20.19 or later is needed, 24 is recommended`);
}

/** Compares what is installed with the lock file by content: times say nothing after a clone, a copy or a checkout. */
function installPackages() {
  const locked = packagesOf('package-lock.json');
  const installed = packagesOf('node_modules/.package-lock.json');
  const differs = ([path, { version, integrity, optional }]) =>
    path !== '' && !(optional && !installed[path]) && !same(installed[path], { version, integrity });
  if (existsSync(join(root, 'node_modules')) && !Object.entries(locked).some(differs)) return;
  say('installing the npm packages of package-lock.json, up to a minute with an empty cache');
  // The npm that runs us, whatever else is on the PATH; with the compiler, also when NODE_ENV says production.
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  // Not `npm ci`: it refuses the lock file when a registry does not carry the optional packages of every platform.
  // This installs what is locked all the same, and with --no-save leaves the lock file as it is.
  run(...npm, 'install', '--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error');
}

function packagesOf(lockFile) {
  const path = join(root, lockFile);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : {};
}

function same(installed, { version, integrity }) {
  return installed !== undefined && installed.version === version && installed.integrity === integrity;
}

function provideRedis() {
  const needed = !process.env.REDIS_URL || process.env.npm_lifecycle_event === 'pretest';
  if (!needed || isOnPath('redis-server')) return;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    throw new Error(`redis-server 7 is needed and not on the PATH. One of these brings it:
  brew install redis
  sudo apt-get install redis-server
  docker run -d -p 6379:6379 redis:7 --appendonly yes --maxmemory-policy noeviction   (then set REDIS_URL=redis://127.0.0.1:6379)`);
  }
  say('installing redis-server with apt-get, because none is on the PATH');
  withoutServices(() => {
    run('apt-get', 'update', '-qq');
    run('apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'redis-server');
  });
}

/** Debian starts the services that it installs. We want the program only: ours runs on a port and data of its own. */
function withoutServices(install) {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    install();
  } finally {
    if (ours) rmSync(policy);
  }
  if (existsSync('/run/systemd/system')) run('systemctl', 'disable', '--quiet', 'redis-server');
}

function build() {
  unlessBuilt('.built', newestSource(root, /^tsconfig.*\.json$|^package\.json$|(?<!\.test)\.ts$/), () => {
    say('building dist/ (tsc)');
    run(process.execPath, join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json');
  });
}

function buildPages() {
  unlessBuilt('.built-pages', newestSource(join(root, 'web'), /(?<!\.test)\.(tsx?|json|css|html|svg)$/), () => {
    say('building the pages (vite)');
    run(process.execPath, join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', 'web', '--logLevel', 'warn');
  });
}

/** Builds when a source is newer than the last build that succeeded. */
function unlessBuilt(stampName, newestMs, make) {
  const stamp = join(root, 'dist', stampName);
  if (existsSync(stamp) && newestMs <= statSync(stamp).mtimeMs) return;
  const begunMs = Date.now();
  make();
  writeFileSync(stamp, '');
  // The time of the beginning: a source that was saved while the compiler ran is newer than its build.
  utimesSync(stamp, begunMs / 1000, begunMs / 1000);
}

function newestSource(folder, names) {
  const times = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return isSourceFolder(entry.name) ? newestSource(path, names) : 0;
    return names.test(entry.name) ? statSync(path).mtimeMs : 0;
  });
  return Math.max(0, ...times);
}

function isSourceFolder(name) {
  return !name.startsWith('.') && !['node_modules', 'dist', 'test', 'docs', 'ops', 'web'].includes(name);
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Output goes to stderr: stdout belongs to the command that follows, which may print JSON. */
function run(command, ...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 2, 2] });
  if (status !== 0)
    throw new Error(`this failed: ${[command, ...args].join(' ')}${error ? ` (${error.message})` : ''}`);
}

function say(line) {
  process.stderr.write(`onsale: ${line}\n`);
}
