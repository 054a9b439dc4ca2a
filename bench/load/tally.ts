/**
 * What became of the requests: counts, latencies as HDR histograms, and one row for each second. Tallies of several
 * processes are added up; percentiles are never averaged.
 *
 * The warm-up is left out of everything but `accepted` and `unanswered`, which the check of the promises needs whole.
 */
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';

/** `accepted` did what was asked, `refused` said no for good reason, `shed` said "not now", `failed` is all else. */
export type Verdict = 'accepted' | 'refused' | 'shed' | 'failed';

export const verdicts = ['accepted', 'refused', 'shed', 'failed'] as const;

/** Before the status of an answer that no rule allows. */
export const undeclared = 'undeclared ';

export interface Settled {
  readonly intendedMs: number;
  /** Null when it never left. */
  readonly sentMs: number | null;
  readonly doneMs: number;
  readonly verdict: Verdict;
  /** The status, after `undeclared` when it was none of those allowed; or why there was none. */
  readonly reason: string;
  /** It was sent, and nobody knows what became of it. */
  readonly isUnknown: boolean;
}

/** Of one second since the start. Answers count in the second they came, latencies in the second they were due. */
export interface Second {
  offered: number;
  readonly answers: Record<Verdict, number>;
  readonly latencyUs: Histogram;
}

/** Latencies in microseconds: from the intended time unless the name says otherwise. */
export interface Tally {
  readonly all: Histogram;
  readonly fromSend: Histogram;
  readonly byVerdict: Readonly<Record<Verdict, Histogram>>;
  readonly reasons: Record<string, number>;
  readonly seconds: Second[];
  offered: number;
  backlogMax: number;
  /** With the warm-up. */
  accepted: number;
  unanswered: number;
}

/** A tally as text and numbers, to be sent from process to process. */
export interface PackedTally extends Omit<Tally, 'all' | 'fromSend' | 'byVerdict' | 'seconds'> {
  readonly all: string;
  readonly fromSend: string;
  readonly byVerdict: Readonly<Record<Verdict, string>>;
  readonly seconds: readonly (Omit<Second, 'latencyUs'> & { readonly latencyUs: string })[];
}

/** Two minutes: longer than anybody waits. */
const longestUs = 120_000_000;

function histogram(digits: 2 | 3 = 3): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: longestUs,
    numberOfSignificantValueDigits: digits,
  });
}

const ofEachVerdict = <T>(make: (verdict: Verdict) => T): Record<Verdict, T> => ({
  accepted: make('accepted'),
  refused: make('refused'),
  shed: make('shed'),
  failed: make('failed'),
});

export function openTally(): Tally {
  return {
    all: histogram(),
    fromSend: histogram(),
    byVerdict: ofEachVerdict(() => histogram()),
    reasons: {},
    seconds: [],
    offered: 0,
    backlogMax: 0,
    accepted: 0,
    unanswered: 0,
  };
}

export interface Recorder {
  due(intendedMs: number): void;
  settled(settled: Settled): void;
  /** How many are due and have not left. */
  backlog(length: number, nowMs: number): void;
}

/** Records into `tally`; times are of the clock whose `startMs` is given. */
export function recordInto(tally: Tally, startMs: number, warmUpSeconds: number): Recorder {
  const measuredFromMs = startMs + warmUpSeconds * 1_000;
  const second = (atMs: number) => secondOf(tally, Math.max(0, Math.floor((atMs - startMs) / 1_000)));
  return {
    due(intendedMs) {
      second(intendedMs).offered++;
      if (intendedMs >= measuredFromMs) tally.offered++;
    },
    settled({ intendedMs, sentMs, doneMs, verdict, reason, isUnknown }) {
      if (verdict === 'accepted') tally.accepted++;
      if (isUnknown) tally.unanswered++;
      second(doneMs).answers[verdict]++;
      const latencyUs = micros(doneMs - intendedMs);
      second(intendedMs).latencyUs.recordValue(latencyUs);
      if (intendedMs < measuredFromMs) return;
      tally.all.recordValue(latencyUs);
      tally.byVerdict[verdict].recordValue(latencyUs);
      if (sentMs !== null) tally.fromSend.recordValue(micros(doneMs - sentMs));
      tally.reasons[reason] = (tally.reasons[reason] ?? 0) + 1;
    },
    backlog(length, nowMs) {
      if (length > tally.backlogMax && nowMs >= measuredFromMs) tally.backlogMax = length;
    },
  };
}

function micros(ms: number): number {
  return Math.min(longestUs, Math.max(1, Math.round(ms * 1_000)));
}

/** Rows of seconds in which nothing happened are rows, too. */
function secondOf({ seconds }: Tally, index: number): Second {
  while (seconds.length <= index)
    seconds.push({ offered: 0, answers: ofEachVerdict(() => 0), latencyUs: histogram(2) });
  return seconds[index] as Second;
}

export function packTally(tally: Tally): PackedTally {
  return {
    ...tally,
    all: encodeIntoCompressedBase64(tally.all),
    fromSend: encodeIntoCompressedBase64(tally.fromSend),
    byVerdict: ofEachVerdict((verdict) => encodeIntoCompressedBase64(tally.byVerdict[verdict])),
    seconds: tally.seconds.map((row) => ({ ...row, latencyUs: encodeIntoCompressedBase64(row.latencyUs) })),
  };
}

/** One tally of several. The worst backlogs are added: they may have been at the same moment. */
export function mergeTallies(packed: readonly PackedTally[]): Tally {
  const sum = openTally();
  for (const part of packed) {
    sum.all.add(decodeFromCompressedBase64(part.all));
    sum.fromSend.add(decodeFromCompressedBase64(part.fromSend));
    for (const verdict of verdicts) sum.byVerdict[verdict].add(decodeFromCompressedBase64(part.byVerdict[verdict]));
    for (const [reason, count] of Object.entries(part.reasons))
      sum.reasons[reason] = (sum.reasons[reason] ?? 0) + count;
    sum.offered += part.offered;
    sum.backlogMax += part.backlogMax;
    sum.accepted += part.accepted;
    sum.unanswered += part.unanswered;
    part.seconds.forEach((row, index) => {
      const second = secondOf(sum, index);
      second.offered += row.offered;
      for (const verdict of verdicts) second.answers[verdict] += row.answers[verdict];
      second.latencyUs.add(decodeFromCompressedBase64(row.latencyUs));
    });
  }
  return sum;
}
