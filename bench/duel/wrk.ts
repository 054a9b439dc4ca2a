/** One run of wrk(1), an HTTP load tool of others, so that nobody has to believe a generator of ours. Closed loop. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface Counter {
  readonly baseUrl: string;
  readonly eventId: string;
  readonly zoneId: string;
  /** Access tokens, one a line. */
  readonly tokensFile: string;
}

export interface WrkFigures {
  readonly requests: number;
  readonly seconds: number;
  /** Of the requests: answered with another status than 2xx or 3xx. */
  readonly refused: number;
  /** Connections that broke and answers that took longer than two seconds. */
  readonly unanswered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

export interface WrkRun {
  readonly connections: number;
  readonly seconds: number;
  /** Makes the keys of this run differ from those of every other. */
  readonly run: string;
}

const script = '#bench/duel/reserve.wrk.lua';

/** Rejects when wrk is not there or did not get to its end. */
export async function runWrk(counter: Counter, { connections, seconds, run }: WrkRun): Promise<WrkFigures> {
  const { baseUrl, eventId, zoneId, tokensFile } = counter;
  const variables = [`TOKENS=${tokensFile}`, `EVENT=${eventId}`, `ZONE=${zoneId}`, `RUN=${run}`];
  const scriptFile = fileURLToPath(import.meta.resolve(script));
  const flags = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', scriptFile, baseUrl];
  const child = spawn('env', [...variables, 'wrk', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, complaint, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const figures = out.split('\n').findLast((line) => line.startsWith('{"requests":'));
  if (code !== 0 || figures === undefined)
    throw new Error(`wrk ended with ${code}: ${complaint.trim()} (Debian: apt-get install wrk)`);
  return JSON.parse(figures);
}
