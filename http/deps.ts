/** Everything the routes need of the rest of the system, filled by the composition root. */
import type { Logger } from 'pino';
import type { Accounts } from '../engine/accounts.ts';
import type { Clock, Ids } from '../engine/ports.ts';
import type { RateLimits } from '../engine/rate-limit.ts';
import type { AccessTokens } from './auth.ts';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** Why not, in words for an operator; never a secret. */
  readonly problem?: string;
}

export interface Answered {
  /** The path as the table has it, so that metrics get one series a route. */
  readonly path: string;
  readonly method: string;
  /** 499: the client went away before the answer. */
  readonly status: number;
  readonly seconds: number;
}

export interface Deps {
  readonly accounts: Accounts;
  readonly tokens: AccessTokens;
  /** Null: no rate limits. */
  readonly limits: RateLimits | null;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly readiness: () => Promise<readonly Check[]>;
  /** The metrics in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** Public keys that others check our tickets and passes with. */
  readonly jwks: () => { readonly keys: readonly object[] };
  readonly observe: (answered: Answered) => void;
}
