/** Reservations at an open-loop rate beside the crowd of `onsale bench cluster`, and what became of them. */
import { runCrew } from './load/crew.ts';
import type { Tally } from './load/tally.ts';

export interface SteadyLoad {
  readonly program: string;
  readonly baseUrl: string;
  readonly fixtureFile: string;
  readonly ackedFile: string;
  readonly ratePerSecond: number;
  readonly seconds: number;
  readonly seed: number;
}

/** Processes that have just started compile what they run: left out of the figures, and nobody is hit before. */
export const warmUpSeconds = 10;
const connections = 128;
const timeoutMs = 10_000;

/** Resolves when the time is over, which begins with the warm-up, and everything is settled. */
export async function loadSteadily(load: SteadyLoad): Promise<Tally> {
  const { program, baseUrl, fixtureFile, ackedFile, ratePerSecond, seconds, seed } = load;
  const { hostname: host, port } = new URL(baseUrl);
  const job = {
    label: 'steady',
    loop: 'open' as const,
    profile: [{ ratePerSecond, seconds: warmUpSeconds + seconds }],
    spacing: 'poisson' as const,
    herd: null,
    warmUpSeconds,
    ...{ connections, timeoutMs, unsentMs: timeoutMs, seed, fixtureFile, ackedFile },
    address: { host, port: Number(port) },
    driver: 'reserve',
    runId: 'steady',
    firstNumber: 0,
    ackedEvery: 1,
    processes: 1,
    cores: null,
  };
  return (await runCrew(program, job, () => {})).tally;
}

/** What was answered, and what was not as it must be: 503 with `Retry-After` asks for another try and is no failure. */
export function steadyLines({ offered, all, byVerdict, reasons }: Tally): readonly string[] {
  const count = (verdict: keyof typeof byVerdict) => byVerdict[verdict].totalCount;
  const ms = (percentile: number) => (all.getValueAtPercentile(percentile) / 1_000).toFixed(0);
  const why = Object.entries(reasons).map(([reason, times]) => `${reason}: ${times}`);
  return [
    `steady load: ${offered} asked, ${count('accepted')} accepted, ${count('refused')} refused, ${count('shed')} told to come again (503), ${count('failed')} failed`,
    `steady load: ${why.join(', ')}; P50 ${ms(50)} ms, P99 ${ms(99)} ms`,
  ];
}
