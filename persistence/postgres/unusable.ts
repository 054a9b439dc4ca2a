/** Which errors of PostgreSQL an event itself has caused, and would cause for ever. */
import pg from 'pg';
import { type Refused, reject } from '../../engine/outcome.ts';

/** Classes of SQLSTATE: data exceptions, and violated constraints. */
const ofTheData = /^(22|23)/;

/** A final refusal when it is the event's fault; throws the error again when another try may go well. */
export function unusable(error: unknown): Refused {
  if (error instanceof pg.DatabaseError && ofTheData.test(error.code ?? ''))
    return reject('VALIDATION_ERROR', undefined, error.message);
  throw error;
}
