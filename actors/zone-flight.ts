/** One batch on its way: its requests and the commands they became, and what the truth is asked to take of it. */
import { type Outcome, reject } from '../engine/outcome.ts';
import type { CommitBatch, Lease, ZoneTerms } from '../engine/ports.ts';
import type { ReserveCommand, ZoneCommand } from '../engine/zone.ts';
import type { ZoneRequest } from './zone-requests.ts';

export interface Entry {
  readonly request: ZoneRequest;
  readonly command: ZoneCommand;
}

export interface Flight {
  readonly batchId: string;
  readonly lease: Lease;
  readonly terms: ZoneTerms;
  /** The zone's version before this batch. */
  readonly version: number;
  readonly nowMs: number;
  readonly entries: readonly Entry[];
}

/** What the gate let through of a flight. */
export interface Cleared {
  readonly flight: Flight;
  readonly won: readonly Entry[];
}

export function commitBatch({ flight, won }: Cleared): CommitBatch {
  const made: ReserveCommand[] = [];
  const moved: CommitBatch['moved'][number][] = [];
  for (const { command, request } of won) {
    if (command.kind === 'reserve') made.push(command);
    else
      moved.push({
        bookingId: command.bookingId,
        move: command.kind,
        expiresAtMs: command.kind === 'extend' ? command.expiresAtMs : null,
        traceparent: request.traceparent,
      });
  }
  return { lease: flight.lease, version: flight.version, terms: flight.terms, nowMs: flight.nowMs, made, moved };
}

export function tooFew(
  requested: number,
  stock: { readonly available: number; readonly held: number },
): Outcome<never> {
  return reject('INSUFFICIENT_STOCK', { requested, available: stock.available, held_may_return: stock.held });
}

export function overLimit(requested: number, current: number, max: number): Outcome<never> {
  return reject('MAX_PER_USER_EXCEEDED', { max, current, requested });
}
