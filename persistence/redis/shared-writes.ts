/**
 * Which commands go out together on one connection. A write and its answer cost both sides as much as dozens of commands of
 * a batch, so what is sent in one turn of the event loop goes out by one write when the turn ends. Each stays a command of
 * its own, with an answer and a timeout of its own: ioredis's own auto-pipelining holds a command back, its timeout not begun,
 * while others are awaited.
 */
import type { Redis } from 'ioredis';

export type SharedWrites = <T>(send: () => Promise<T>) => Promise<T>;

export function shareWrites(redis: Redis): SharedWrites {
  /** The stream that holds back what this turn sends; a connection that is made anew has another. */
  let held: Redis['stream'] | null = null;
  const release = () => {
    held?.uncork();
    held = null;
  };
  return (send) => {
    if (held === null) {
      held = redis.stream;
      held.cork();
      setImmediate(release);
    }
    return send();
  };
}
