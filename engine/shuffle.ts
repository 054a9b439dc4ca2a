/**
 * The order of those who came before the start: a Fisher–Yates shuffle (Durstenfeld, CACM 1964) whose chance is a stream
 * of SHA-256 blocks, so that anybody who knows the key can repeat it.
 *
 * The key is made of a seed that was committed to before anybody was in the lobby and of the log's last hash before the
 * shuffle: the organizer cannot choose the order, for the joins are not theirs, and nobody who joins knows the seed.
 */
import type { Sha256 } from './queue-log.ts';

export function seedCommitment(seed: string, sha256: Sha256): string {
  return sha256(`onsale queue seed\n${seed}`);
}

export function shuffleKey(seed: string, lastHash: string, sha256: Sha256): string {
  return sha256(`${seed}\n${lastHash}`);
}

/** The items in the order that the key decides. */
export function shuffled<T>(items: Iterable<T>, key: string, sha256: Sha256): T[] {
  const order = [...items];
  const next = numbers(key, sha256);
  for (let last = order.length - 1; last > 0; last--) {
    const chosen = below(last + 1, next);
    [order[last], order[chosen]] = [order[chosen] as T, order[last] as T];
  }
  return order;
}

/** Uniform in [0, limit): numbers of the incomplete last round are thrown away. */
function below(limit: number, next: () => number): number {
  const whole = 2 ** 32 - (2 ** 32 % limit);
  for (;;) {
    const number = next();
    if (number < whole) return number % limit;
  }
}

/** Numbers of 32 bits: block n is SHA-256 of the key, a line break and n, and holds eight, the first digits first. */
function numbers(key: string, sha256: Sha256): () => number {
  let block = '';
  let blocks = 0;
  let at = 64;
  return () => {
    if (at === 64) {
      block = sha256(`${key}\n${blocks++}`);
      at = 0;
    }
    at += 8;
    return Number.parseInt(block.slice(at - 8, at), 16);
  };
}
