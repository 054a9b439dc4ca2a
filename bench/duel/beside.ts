/**
 * `onsale bench beside`: another scenario, and before and after it a server of others at its limit. A shared machine's
 * pace moves by factors; this says what it was, so that the scenario's rates can be read on another machine, or another day.
 */
import { UsageError } from '../../config.ts';
import type { LoadIo } from '../load-run.ts';
import { startOther } from './other-server.ts';
import { runWrk } from './wrk.ts';

export const besideUsage = `  beside  --other 'COMMAND' SCENARIO …: a scenario, and the pace of the machine before and after it: what a server of
          others (as for duel) takes in a second from wrk with 384 connections`;

const connections = 384;
const warmUpSeconds = 6;
const seconds = 8;

/** The exit code is the scenario's. `run` runs one by its name and the rest of the command line. */
export async function runBeside(
  args: readonly string[],
  io: LoadIo,
  run: (scenario: readonly string[]) => Promise<number>,
): Promise<number> {
  const { other, scenario } = readBeside(args);
  const before = await paceOf(other);
  io.print(`the other server, before: ${Math.round(before)}/s`);
  const code = await run(scenario);
  const after = await paceOf(other);
  io.print(`the other server, after: ${Math.round(after)}/s; the mean of both: ${Math.round((before + after) / 2)}/s`);
  return code;
}

/** `--other` comes first: what follows the scenario's name belongs to the scenario. */
export function readBeside([flag, other, ...scenario]: readonly string[]): { other: string; scenario: string[] } {
  if (flag !== '--other' || !other || scenario.length === 0 || scenario[0]?.startsWith('-'))
    throw new UsageError(`beside needs --other 'COMMAND' and then a scenario\n\n${besideUsage}`);
  return { other, scenario };
}

/** Accepted requests a second, once it is warm. */
async function paceOf(command: string): Promise<number> {
  const other = await startOther(command);
  try {
    await runWrk(other.counter, { connections, seconds: warmUpSeconds, run: 'warm' });
    const { requests, refused, seconds: taken } = await runWrk(other.counter, { connections, seconds, run: 'pace' });
    return (requests - refused) / taken;
  } finally {
    await other.close();
  }
}
