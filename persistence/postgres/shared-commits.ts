/**
 * Who shares a commit on one lane. A commit costs PostgreSQL as much as dozens of rows, so small batches of different zones
 * that want one in the same turn of the event loop, or while another is under way (Nagle's rule, RFC 896), are written by
 * one statement, however many they are; a zone whose own batch is worth a commit waits for nobody.
 *
 * Each zone has an answer of its own, as if it had been alone: one that was fenced is stale and the others are committed;
 * when one contradicts the truth, each is tried alone; when there is no answer, each of them is in doubt.
 */
import type { CommitAnswer, CommitBatch } from '../../engine/ports.ts';
import { commitTogether, isConflict } from './batch-statements.ts';
import type { Lane } from './lane.ts';

/** Statements that may be under way: one at work in PostgreSQL, one behind it, one whose answer is read. */
const underWayMax = 3;
/** A batch of so many rows is worth a commit of its own, and waits for nobody. */
const rowsWorthIt = 64;
/** Rows of several zones in one statement: a longer one would keep the zones of the next waiting. */
const rowsMax = 512;

interface Waiting {
  readonly batch: CommitBatch;
  readonly resolve: (answer: CommitAnswer) => void;
  readonly reject: (error: unknown) => void;
}

export function shareCommits(lane: Lane): (batch: CommitBatch) => Promise<CommitAnswer> {
  let waiting: Waiting[] = [];
  let underWay = 0;
  let turning = false;

  const send = async (together: readonly Waiting[]): Promise<void> => {
    try {
      const taken = await commitTogether(
        lane,
        together.map(({ batch }) => batch),
      );
      together.forEach(({ resolve }, index) => {
        resolve(taken[index] ? 'committed' : 'stale');
      });
    } catch (error) {
      if (!isConflict(error)) for (const { reject } of together) reject(error);
      else if (together.length === 1) together[0]?.resolve('conflict');
      else await Promise.all(together.map((alone) => send([alone])));
    }
  };
  const sendWaiting = () => {
    while (underWay === 0 ? waiting.length > 0 : underWay < underWayMax && waiting.some(isWorthIt)) {
      const [together, others] = choose(waiting);
      waiting = others;
      underWay++;
      void send(together).then(() => {
        underWay--;
        sendWaiting();
      });
    }
  };
  const turnEnded = () => {
    turning = false;
    sendWaiting();
  };
  return (batch) =>
    new Promise((resolve, reject) => {
      const asked = { batch, resolve, reject };
      waiting.push(asked);
      if (isWorthIt(asked)) sendWaiting();
      else if (!turning) {
        turning = true;
        // Zones that were judged together ask in one turn.
        setImmediate(turnEnded);
      }
    });
}

/**
 * The longest waiting batch, and with it the first of each other zone of its event (no transaction spans two events), as
 * far as there is room. A zone's second batch needs the first, so it goes by a later statement.
 */
function choose(waiting: readonly Waiting[]): readonly [readonly Waiting[], Waiting[]] {
  const together: Waiting[] = [];
  const others: Waiting[] = [];
  const zones = new Set<string>();
  const eventId = waiting[0]?.batch.lease.eventId;
  let rows = 0;
  for (const each of waiting) {
    const { lease } = each.batch;
    const size = rowsOf(each);
    const isFirst = !zones.has(lease.zoneId);
    zones.add(lease.zoneId);
    if (isFirst && lease.eventId === eventId && (together.length === 0 || rows + size <= rowsMax)) {
      together.push(each);
      rows += size;
    } else others.push(each);
  }
  return [together, others];
}

function rowsOf({ batch }: Waiting): number {
  return batch.made.length + batch.moved.length;
}

function isWorthIt(waiting: Waiting): boolean {
  return rowsOf(waiting) >= rowsWorthIt;
}
