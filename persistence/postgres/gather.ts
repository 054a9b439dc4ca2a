/**
 * Statements for many callers at once. What is asked for while a statement is under way joins the next, so that under load
 * a hundred callers share one round trip and one commit, and a lone one waits for nobody.
 */
import { isAnswer } from './lane.ts';

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * `work` answers a result for each item, in their order. When PostgreSQL refuses a batch, or an item cannot be written down
 * as a statement, each is tried alone, so that one that cannot be done does not fail its neighbours; when there was no
 * answer, all of them fail: trying hundreds of them in turn against a store that is away would hold up everybody for as
 * many timeouts.
 *
 * @param itemsMax of one statement
 */
export function gather<T, R>(
  itemsMax: number,
  work: (items: readonly T[]) => Promise<readonly R[]>,
): (item: T) => Promise<R> {
  const waiting: Waiting<T, R>[] = [];
  let busy = false;

  const run = async (batch: readonly Waiting<T, R>[]): Promise<void> => {
    try {
      const results = await work(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => {
        resolve(results[index] as R);
      });
    } catch (error) {
      if (batch.length > 1 && (isAnswer(error) || isUnwritable(error))) for (const each of batch) await run([each]);
      else for (const { reject } of batch) reject(error);
    }
  };
  const runAll = async () => {
    while (waiting.length > 0) await run(waiting.splice(0, itemsMax));
    busy = false;
  };
  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (busy) return;
      busy = true;
      // The rest of this turn's callers join the first batch.
      setImmediate(runAll);
    });
}

/** What is thrown on the way to a statement, of a value that is missing (TypeError) or no whole number (RangeError). */
function isUnwritable(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError;
}
