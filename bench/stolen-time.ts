/**
 * What a hypervisor gave to other machines while ours wanted to run (Linux; elsewhere nothing is known). A core that is taken
 * away for 20 ms is a stall of 20 ms to whoever waits, whatever the program does: no tail can be read without this.
 */
import { readFileSync } from 'node:fs';

/** Since the machine began, over all cores, in ticks. */
export interface CoreTicks {
  readonly busy: number;
  readonly stolen: number;
}

/** Null: unknown. */
export function readCoreTicks(): CoreTicks | null {
  try {
    return parseCoreTicks(readFileSync('/proc/stat', 'latin1'));
  } catch {
    return null;
  }
}

/** See proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal. Guests are counted among users already. */
export function parseCoreTicks(text: string): CoreTicks | null {
  const ticks = /^cpu +((?:\d+ ){7}\d+)/m.exec(text)?.[1]?.split(' ').map(Number);
  if (!ticks) return null;
  const [user = 0, nice = 0, system = 0, _idle, _ioWait, irq = 0, softIrq = 0, stolen = 0] = ticks;
  return { busy: user + nice + system + irq + softIrq, stolen };
}

/** Null when nothing is known, or nothing was wanted. */
export function stolenSentence(from: CoreTicks | null, to: CoreTicks | null): string | null {
  if (!from || !to) return null;
  const stolen = to.stolen - from.stolen;
  const wanted = to.busy - from.busy + stolen;
  if (wanted <= 0) return null;
  return `The hypervisor kept ${((100 * stolen) / wanted).toFixed(1)} % of the processor time that this machine wanted meanwhile.`;
}
