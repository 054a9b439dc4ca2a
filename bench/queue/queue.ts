/**
 * `onsale bench queue [part …]`: the waiting room under load, part by part, each on a server of its own. A part that
 * breaks a promise has no score.
 */
import { writeFileSync } from 'node:fs';
import { UsageError } from '../../config.ts';
import { readMachine } from '../machine.ts';
import { observationLine } from '../report/markdown.ts';
import { joins } from './joins.ts';
import { live } from './live.ts';
import { type Part, queueNumbers, readQueueOptions } from './part.ts';
import { restart } from './restart.ts';
import { sale } from './sale.ts';

const parts: Readonly<Record<string, Part>> = { joins, live, sale, restart };

export interface QueueIo {
  readonly program: string;
  readonly print: (line: string) => void;
}

export const queueUsage: string = [
  '  queue [part …]   the waiting room, all its parts or some; exit code 1 when a promise was broken',
  ...Object.entries(parts).map(([name, { summary }]) => `             ${name.padEnd(10)} ${summary}`),
  ...Object.entries(queueNumbers).map(
    ([name, [value, meaning]]) => `          ${`--${name} ${value}`.padEnd(26)}${meaning}`,
  ),
].join('\n');

/** The exit code. */
export async function runQueue(args: readonly string[], { program, print }: QueueIo): Promise<number> {
  const { numbers, names, settings, jsonFile } = readQueueOptions(args);
  const unknown = names.find((name) => !parts[name]);
  if (unknown) throw new UsageError(`bench queue has no part ${unknown}\n\n${queueUsage}`);
  const machine = readMachine();
  print(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, commit ${machine.commit}`);
  const results: Record<string, Awaited<ReturnType<Part['run']>>> = {};
  for (const name of names.length > 0 ? names : Object.keys(parts)) {
    const part = parts[name] as Part;
    print('');
    print(`## ${name}: ${part.summary}`);
    print('');
    const result = await part.run({ ...numbers, program, settings, print: (line) => print(`    ${line}`) });
    print('');
    for (const line of result.observations.map(observationLine)) print(line);
    for (const sentence of result.broken) print(`- **broken:** ${sentence}`);
    results[name] = result;
  }
  const held = Object.values(results).every(({ broken }) => broken.length === 0);
  print('');
  print(held ? '**Every promise that was examined held.**' : '**NO SCORE: this run broke a promise.**');
  if (jsonFile) writeFileSync(jsonFile, `${JSON.stringify({ machine, numbers, results }, null, 2)}\n`);
  return held ? 0 : 1;
}
