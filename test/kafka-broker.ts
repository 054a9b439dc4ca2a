/**
 * Apache Kafka for tests: the broker that KAFKA_BROKERS names, for all, and with KAFKA_JARS (where `.ci/kafka.sh get` put
 * the broker) one of one's own, to stop and start.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { inject } from 'vitest';

export interface OwnBroker {
  readonly address: string;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startOwnBroker(jars: string): Promise<OwnBroker> {
  const folder = join(inject('storesFolder'), `kafka-${randomUUID()}`);
  const start = () => control('start', jars, folder);
  const address = await start();
  return { address, stop: async () => void (await control('stop', folder)), start: async () => void (await start()) };
}

async function control(...given: readonly string[]): Promise<string> {
  const script = join(import.meta.dirname, '..', '.ci', 'kafka.sh');
  const { stdout } = await promisify(execFile)('bash', [script, ...given], { timeout: 60_000 });
  return stdout.trim();
}

/** Every message of a topic as `kcat` reads it, partition by partition, each in its order. */
export async function readTopic(brokers: string, topic: string): Promise<readonly { key: string; text: string }[]> {
  const given = ['-C', '-e', '-q', '-b', brokers, '-t', topic, '-o', 'beginning', '-f', '%k\\t%s\\n'];
  const { stdout } = await promisify(execFile)('kcat', given, { timeout: 60_000, maxBuffer: 1 << 28 });
  const lines = stdout.split('\n').filter(Boolean);
  return lines.map((line) => {
    const tab = line.indexOf('\t');
    return { key: line.slice(0, tab), text: line.slice(tab + 1) };
  });
}

/** A client of the test's own, beside the one under test. */
export function testClient(brokers: string): Kafka {
  return new Kafka({ clientId: 'test', brokers: brokers.split(','), logLevel: logLevel.NOTHING });
}
