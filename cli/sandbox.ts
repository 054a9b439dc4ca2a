/**
 * `onsale sandbox`: the payment sandbox as a process of its own, as a provider is. A server on the same data folder knows its
 * keys; `serve --member` looks for it at SANDBOX_PORT instead of having one inside. Runs until SIGINT, SIGTERM or SIGHUP.
 * Here too: how the demo's sandbox is opened, and what it charged.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, UsageError } from '../config.ts';
import { isFree } from '../persistence/embedded/ports.ts';
import { keptSecrets } from '../persistence/kept-secrets.ts';
import { readCharges } from '../providers/sandbox/charges.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../providers/sandbox/server.ts';
import { createLogger } from '../telemetry.ts';
import { playSandbox } from './play-accounts.ts';
import { stopAsked } from './stop-asked.ts';

/** `server`: where webhooks go; null sends none. The exit code. Rejects when the port is taken. */
export async function runSandbox(config: Config, server: string | null): Promise<number> {
  const logger = createLogger(config.LOG_LEVEL);
  const asked = stopAsked();
  const sandbox = await openSandbox({
    ...playSandbox(config, keptSecrets(config.ONSALE_DATA_DIR), () => server),
    log: (line) => logger.debug(`sandbox: ${line}`),
  });
  process.stdout.write(`onsale ready ${sandbox.url}\n`);
  await asked;
  await sandbox.stop();
  return 0;
}

/** Asks for the port before the journals are opened: those belong to whoever has it. */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  if (await isFree(options.port)) return startSandbox(options);
  throw new UsageError(
    `SANDBOX_PORT ${options.port} is taken: does onsale run already? SANDBOX_PORT=0 takes any free port`,
  );
}

/**
 * From the sandbox that runs at SANDBOX_PORT, else from one that is started for this one question, on copies of the journals:
 * another may be writing to them, at a port that nobody here knows.
 */
export async function readOwnCharges(config: Config): ReturnType<typeof readCharges> {
  try {
    return await readCharges(`http://127.0.0.1:${config.SANDBOX_PORT}`);
  } catch {
    const copies = mkdtempSync(join(tmpdir(), 'onsale-charges-'));
    const secrets = keptSecrets(config.ONSALE_DATA_DIR);
    const here = playSandbox(config, secrets, () => null);
    const play = playSandbox({ ...config, ONSALE_DATA_DIR: copies }, secrets, () => null);
    copyWhatIsThere(here.journalFile, play.journalFile);
    copyWhatIsThere(here.gateways.journalFile, play.gateways.journalFile);
    const sandbox = await startSandbox({ ...play, port: 0 });
    try {
      return await readCharges(sandbox.url);
    } finally {
      await sandbox.stop();
      rmSync(copies, { recursive: true });
    }
  }
}

function copyWhatIsThere(from: string, to: string): void {
  if (existsSync(from)) copyFileSync(from, to);
}
