/** What is alive on the heap, for tests of what must not grow with use. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes by which the heap has grown when `work` is done, without what is garbage then. */
export async function heapGrowth(work: () => Promise<void> | void): Promise<number> {
  collect();
  const before = process.memoryUsage().heapUsed;
  await work();
  collect();
  return process.memoryUsage().heapUsed - before;
}
