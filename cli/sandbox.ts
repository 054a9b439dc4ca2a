/**
 * `onsale sandbox`: the payment sandbox as a process of its own, as a provider is. A server on the same data folder knows its
 * keys; `serve --member` looks for it at SANDBOX_PORT instead of having one inside. Runs until SIGINT, SIGTERM or SIGHUP.
 */
import type { Config } from '../config.ts';
import { keptSecrets } from '../persistence/kept-secrets.ts';
import { startSandbox } from '../providers/sandbox/server.ts';
import { createLogger } from '../telemetry.ts';
import { playSandbox } from './play-accounts.ts';
import { stopAsked } from './stop-asked.ts';

/** `server`: where webhooks go; null sends none. The exit code. Rejects when the port is taken. */
export async function runSandbox(config: Config, server: string | null): Promise<number> {
  const logger = createLogger(config.LOG_LEVEL);
  const asked = stopAsked();
  const sandbox = await startSandbox({
    ...playSandbox(config, keptSecrets(config.ONSALE_DATA_DIR), () => server),
    log: (line) => logger.debug(`sandbox: ${line}`),
  });
  process.stdout.write(`onsale ready ${sandbox.url}\n`);
  await asked;
  await sandbox.stop();
  return 0;
}
