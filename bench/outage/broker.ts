/** A real Apache Kafka of the drill's own, by the script that CI starts one with: to stop and to start again. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface Broker {
  /** host:port, the same after each start. */
  readonly address: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stops it for good, with its data. */
  remove(): Promise<void>;
}

const controlTimeoutMs = 60_000;

/** @param jars where `.ci/kafka.sh get` put the broker */
export async function startBroker(jars: string): Promise<Broker> {
  const folder = mkdtempSync(join(tmpdir(), 'onsale-kafka-'));
  let isRunning = false;
  const start = async () => {
    const address = await control('start', jars, folder);
    isRunning = true;
    return address;
  };
  const stop = async () => {
    if (isRunning) await control('stop', folder);
    isRunning = false;
  };
  return {
    address: await start(),
    stop,
    start: async () => void (await start()),
    async remove() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function control(...given: readonly string[]): Promise<string> {
  const script = fileURLToPath(import.meta.resolve('#kafka'));
  const { stdout } = await promisify(execFile)('bash', [script, ...given], { timeout: controlTimeoutMs });
  return stdout.trim();
}

/** A message as the log has it. */
export interface Message {
  readonly key: string;
  readonly text: string;
}

/**
 * Every message of a topic, partition by partition, each in its order: as kcat(1) reads it, a client of others, so that nobody
 * has to believe ours. Rejects when kcat is not there or could not read to the end.
 */
export async function readTopic(address: string, topic: string, take: (message: Message) => void): Promise<void> {
  const format = ['-o', 'beginning', '-f', '%k\\t%s\\n'];
  const kcat = spawn('kcat', ['-C', '-e', '-q', '-b', address, '-t', topic, ...format], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(kcat, 'close');
  for await (const line of createInterface({ input: kcat.stdout })) {
    const tab = line.indexOf('\t');
    take({ key: line.slice(0, tab), text: line.slice(tab + 1) });
  }
  const [code] = await ended;
  if (code !== 0) throw new Error(`kcat ended with ${code} (Debian: apt-get install kcat)`);
}
