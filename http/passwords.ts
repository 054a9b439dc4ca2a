/**
 * Password hashes (bcrypt), made on the threads of libuv and never more at once than the rest of the process can bear:
 * a flood of logins must not take the threads that files and name look-ups need, nor wait for ever.
 */
import { randomUUID } from 'node:crypto';
import { hash, verify } from '@node-rs/bcrypt';
import { accept, type Outcome, type Refused, unavailable } from '../engine/outcome.ts';

/** bcrypt ignores what comes after so many bytes, so that two passwords would open one account. */
export const passwordBytesMax = 72;

export interface Passwords {
  /** Refuses with SERVICE_UNAVAILABLE when too many hashes wait already. */
  hash(password: string): Promise<Outcome<string>>;
  /**
   * Whether `password` belongs to `passwordHash`; for null (no such account) the same work is done, and the answer
   * is no. Refuses with SERVICE_UNAVAILABLE when too many hashes wait already.
   */
  matches(password: string, passwordHash: string | null): Promise<Outcome<boolean>>;
}

export interface PasswordOptions {
  /** Work of one hash, as a power of two: 12 is about a quarter of a second. */
  readonly cost: number;
  /** Hashes worked on at once. @default 2, half of libuv's threads */
  readonly workersMax?: number;
  /** Hashes that may wait. @default 32, about 4 s at cost 12 */
  readonly waitingMax?: number;
}

export function createPasswords({ cost, workersMax = 2, waitingMax = 32 }: PasswordOptions): Passwords {
  const waiting: (() => void)[] = [];
  let working = 0;
  // What nobody's password matches: checked in place of the hash that an unknown account does not have.
  const nobody = hash(randomUUID(), { cost });

  const inTurn = async <Value>(work: () => Promise<Value>): Promise<Outcome<Value>> => {
    if (working >= workersMax) {
      if (waiting.length >= waitingMax) return busy;
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else working += 1;
    try {
      return accept(await work());
    } finally {
      const next = waiting.shift();
      if (next === undefined) working -= 1;
      else next();
    }
  };

  return {
    hash: (password) => inTurn(() => hash(password, { cost })),
    matches: (password, passwordHash) =>
      inTurn(async () => (await verify(password, passwordHash ?? (await nobody))) && passwordHash !== null),
  };
}

const busy: Refused = unavailable('too many people log in at this moment', 2);
