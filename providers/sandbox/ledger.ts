/**
 * Everything the sandbox knows: intents, stored answers, webhooks that nobody has taken yet. Owns the journal and
 * the one way to change anything, `commit`: a change is written first and applied after, whole or not at all.
 *
 * Intents are values, so a stored answer is the intent as it was then: it costs a pointer, not a copy.
 */
import type { ApiError } from './api-error.ts';
import type { EventType, PaymentIntent } from './intents.ts';
import { openJournal } from './journal.ts';

/** Stripe forgets a key after 24 h at the earliest; then the key is new. */
const keyLifeMs = 24 * 60 * 60 * 1000;

/** What one idempotency key was answered. */
export interface StoredAnswer {
  readonly key: string;
  /** Of the request: another request under the same key is an error. */
  readonly fingerprint: string;
  readonly atMs: number;
  readonly refusal: ApiError | null;
  /** The answer was this refund of the intent; null: the answer was the intent. */
  readonly refundId: string | null;
}

/** What one request did, a line of the journal. */
interface Change {
  readonly intent: PaymentIntent;
  readonly event: { readonly id: string; readonly type: EventType; readonly createdMs: number } | null;
  readonly answer: StoredAnswer | null;
}

/** An event that the receiver is to hear of, with the intent as it was then. */
export interface Announcement {
  readonly id: string;
  readonly type: EventType;
  readonly createdMs: number;
  readonly intent: PaymentIntent;
}

export interface Ledger {
  intent(id: string): PaymentIntent | undefined;
  intents(): Iterable<PaymentIntent>;
  intentOfRefund(refundId: string): PaymentIntent | undefined;
  answer(key: string, nowMs: number): { readonly stored: StoredAnswer; readonly intent: PaymentIntent } | undefined;
  unsettled(): Iterable<Announcement>;
  /** @throws when the journal cannot be written; nothing has changed then */
  commit(change: Change): Announcement | null;
  /** Nothing more will be done about this event: taken by the receiver, dropped, or given up. */
  settle(eventId: string): void;
  close(): void;
}

type JournalLine = Change | { readonly settled: string };

/** @param file of the journal; null keeps everything in memory only */
export async function openLedger(file: string | null): Promise<Ledger> {
  const intents = new Map<string, PaymentIntent>();
  const intentIdOfRefund = new Map<string, string>();
  const answers = new Map<string, { stored: StoredAnswer; intent: PaymentIntent }>();
  const unsettled = new Map<string, Announcement>();

  function apply({ intent, event, answer }: Change): Announcement | null {
    intents.set(intent.id, intent);
    if (answer !== null) answers.set(answer.key, { stored: answer, intent });
    for (const { id } of intent.charges.at(-1)?.refunds ?? []) intentIdOfRefund.set(id, intent.id);
    if (event === null) return null;
    const announcement = { ...event, intent };
    unsettled.set(event.id, announcement);
    return announcement;
  }

  let lines = 0;
  const journal = await openJournal(file, (written) => {
    lines++;
    const line = written as JournalLine;
    if ('settled' in line) unsettled.delete(line.settled);
    else apply(line);
  });

  // Most lines of an old journal tell of what has changed since, or is settled.
  const live = intents.size + answers.size + unsettled.size;
  if (lines > Math.max(compactAboveLines, 2 * live)) journal.replace(presentLines({ intents, answers, unsettled }));

  return {
    intent: (id) => intents.get(id),
    intents: () => intents.values(),
    intentOfRefund: (refundId) => intents.get(intentIdOfRefund.get(refundId) ?? ''),
    answer(key, nowMs) {
      const found = answers.get(key);
      return found !== undefined && nowMs - found.stored.atMs < keyLifeMs ? found : undefined;
    },
    unsettled: () => unsettled.values(),
    commit(change) {
      journal.append(change);
      return apply(change);
    },
    settle(eventId) {
      journal.append({ settled: eventId } satisfies JournalLine);
      unsettled.delete(eventId);
    },
    close: journal.close,
  };
}

const compactAboveLines = 1_000;

interface Present {
  readonly intents: ReadonlyMap<string, PaymentIntent>;
  readonly answers: ReadonlyMap<string, { readonly stored: StoredAnswer; readonly intent: PaymentIntent }>;
  readonly unsettled: ReadonlyMap<string, Announcement>;
}

/** A journal that leads to the same: of each intent, oldest first, what it once was where that still counts, then what it is. */
function* presentLines({ intents, answers, unsettled }: Present): Generator<JournalLine> {
  const former = new Map<string, Change[]>();
  const keep = (change: Change) => former.set(change.intent.id, [...(former.get(change.intent.id) ?? []), change]);
  for (const { stored, intent } of answers.values()) keep({ intent, event: null, answer: stored });
  for (const { intent, ...event } of unsettled.values()) keep({ intent, event, answer: null });
  for (const intent of intents.values()) {
    yield* former.get(intent.id) ?? [];
    yield { intent, event: null, answer: null };
  }
}
