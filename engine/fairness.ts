/**
 * Checks the log of a waiting room without trusting whoever wrote it (P5): the chain is unbroken, people were admitted in
 * the order of their places, every exception has its reason, no more were let in than the terms allowed, and the shuffle
 * follows from a seed that was committed to before anybody was in the lobby.
 *
 * It is a model of its own, kept simple on purpose: it shares the words of the log and the shuffle with the waiting room,
 * and none of its bookkeeping.
 */
import { entryHash, genesisHash, type QueueEntry, type Sha256 } from './queue-log.ts';
import { seedCommitment, shuffled, shuffleKey } from './shuffle.ts';
import { type RoomTerms, termsFrom } from './waiting-room.ts';

export interface Finding {
  readonly seq: number;
  readonly problem: string;
}

export interface FairnessSummary {
  readonly entries: number;
  readonly joined: number;
  readonly admitted: number;
  readonly left: number;
  readonly timedOut: number;
  readonly priority: number;
  readonly activeMax: number;
  readonly lastHash: string;
}

type Checked = Readonly<Record<QueueEntry['kind'], (entry: QueueEntry) => void>>;

/** What a release may say, and whether it needs a pass that made no booking. */
const releases: Readonly<Record<string, 'unused' | 'checkout'>> = {
  completed: 'checkout',
  failed: 'checkout',
  expired: 'checkout',
  pass_expired: 'unused',
  left: 'unused',
};

export class FairnessCheck {
  readonly findings: Finding[] = [];
  readonly #sha256: Sha256;
  #seq = 0;
  #atMs = 0;
  #hash = genesisHash;
  #terms: RoomTerms | null = null;
  #commitment: string | null = null;
  #shuffled = false;
  /** Names in the order of their places; a name that is gone stays in the map of none. */
  readonly #lines = { priority: [] as string[], regular: [] as string[], lobby: [] as string[] };
  readonly #heads = { priority: 0, regular: 0 };
  readonly #waiting = new Map<string, { readonly line: 'priority' | 'regular' | 'lobby'; readonly place: number }>();
  /** When the pass of each ends (epoch ms); null: it made a booking. */
  readonly #active = new Map<string, number | null>();
  readonly #counts = { joined: 0, admitted: 0, left: 0, timedOut: 0, priority: 0, activeMax: 0 };
  readonly #byKind: Checked = {
    configure: (entry) => this.#configure(entry),
    commit: (entry) => this.#commit(entry),
    join: (entry) => this.#join(entry),
    shuffle: (entry) => this.#shuffle(entry),
    admit: (entry) => this.#admit(entry),
    leave: (entry) => this.#leave(entry),
    redeem: (entry) => this.#redeem(entry),
    release: (entry) => this.#release(entry),
  };

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  get summary(): FairnessSummary {
    return { entries: this.#seq, ...this.#counts, lastHash: this.#hash };
  }

  /** Takes the next entry. After a broken chain nothing that follows proves anything: it goes on, to name all of it. */
  add(entry: QueueEntry): void {
    if (entry.seq !== this.#seq + 1) this.#find(entry, `follows entry ${this.#seq}: entries are missing or repeated`);
    if (entryHash(this.#hash, entry, this.#sha256) !== entry.hash)
      this.#find(entry, 'is not what was chained: it or the entry before was changed');
    if (entry.atMs < this.#atMs) this.#find(entry, 'is older than the entry before');
    const check = this.#byKind[entry.kind] as ((entry: QueueEntry) => void) | undefined;
    if (check) check(entry);
    else this.#find(entry, `has the unknown kind ${entry.kind}`);
    this.#seq = entry.seq;
    this.#atMs = entry.atMs;
    this.#hash = entry.hash;
  }

  #find({ seq }: QueueEntry, problem: string): void {
    this.findings.push({ seq, problem });
  }

  #configure({ detail }: QueueEntry): void {
    this.#terms = termsFrom(detail);
  }

  #commit(entry: QueueEntry): void {
    if (this.#commitment !== null) this.#find(entry, 'commits to a seed a second time');
    this.#commitment = entry.detail;
  }

  #join(entry: QueueEntry): void {
    const { who, line, place, detail } = entry;
    if (who === null || line === null || place === null) {
      this.#find(entry, 'says not who joined where');
      return;
    }
    if (this.#waiting.has(who) || this.#active.has(who)) this.#find(entry, 'is a second place of one person');
    if (line === 'lobby' && this.#commitment === null)
      this.#find(entry, 'enters a lobby before a seed was committed to');
    if (line === 'lobby' && this.#shuffled) this.#find(entry, 'enters the lobby after the shuffle');
    if (line === 'priority' && detail === '') this.#find(entry, 'goes first without a reason');
    if (place !== this.#lines[line].length + 1) this.#find(entry, `has place ${place}, which is not the next one`);
    this.#lines[line].push(who);
    this.#waiting.set(who, { line, place });
    this.#counts.joined++;
    if (line === 'priority') this.#counts.priority++;
  }

  #shuffle(entry: QueueEntry): void {
    const seed = entry.detail;
    if (this.#commitment !== seedCommitment(seed, this.#sha256))
      this.#find(entry, 'reveals another seed than was committed to');
    if (this.#shuffled) this.#find(entry, 'is a second shuffle');
    this.#shuffled = true;
    const lobby = this.#lines.lobby.filter((who) => this.#waiting.get(who)?.line === 'lobby');
    if (entry.place !== lobby.length)
      this.#find(entry, `shuffles ${entry.place} people, and ${lobby.length} were there`);
    for (const who of shuffled(lobby, shuffleKey(seed, this.#hash, this.#sha256), this.#sha256)) {
      this.#lines.regular.push(who);
      this.#waiting.set(who, { line: 'regular', place: this.#lines.regular.length });
    }
  }

  #admit(entry: QueueEntry): void {
    const who = this.#placed(entry);
    if (who === null) return;
    const next = this.#first('priority') ?? this.#first('regular');
    if (next !== who) this.#find(entry, `is admitted before ${next ?? 'the shuffle'}, who was first`);
    this.#waiting.delete(who);
    this.#active.set(who, Number(entry.detail));
    this.#counts.admitted++;
    this.#counts.activeMax = Math.max(this.#counts.activeMax, this.#active.size);
    const { mode = 'off', maxConcurrent = 0 } = this.#terms ?? {};
    if (mode !== 'open' && mode !== 'drain') this.#find(entry, `is admitted while the room is ${mode}`);
    if (this.#active.size > maxConcurrent)
      this.#find(entry, `is one of ${this.#active.size} at the same time, and ${maxConcurrent} are allowed`);
  }

  /** The first who still waits in a line. */
  #first(line: 'priority' | 'regular'): string | undefined {
    const names = this.#lines[line];
    const isHere = (at: number) => {
      const place = this.#waiting.get(names[at] ?? '');
      return place?.line === line && place.place === at + 1;
    };
    while (this.#heads[line] < names.length && !isHere(this.#heads[line])) this.#heads[line]++;
    return names[this.#heads[line]];
  }

  #leave(entry: QueueEntry): void {
    const who = this.#placed(entry);
    if (who === null) return;
    this.#waiting.delete(who);
    if (entry.detail === 'left') this.#counts.left++;
    else if (entry.detail === 'timed_out') this.#counts.timedOut++;
    else this.#find(entry, 'leaves without a reason');
  }

  /** Null, and found, when this person does not wait at this place. */
  #placed(entry: QueueEntry): string | null {
    const { who, line, place } = entry;
    const there = who === null ? undefined : this.#waiting.get(who);
    if (who !== null && there?.line === line && there?.place === place) return who;
    this.#find(entry, 'is about somebody who does not wait at that place');
    return null;
  }

  #redeem(entry: QueueEntry): void {
    const { who } = entry;
    if (who === null || typeof this.#active.get(who) !== 'number') this.#find(entry, 'uses a pass that nobody has');
    else this.#active.set(who, null);
  }

  #release(entry: QueueEntry): void {
    const { who, detail, atMs } = entry;
    const endsAtMs = who === null ? undefined : this.#active.get(who);
    if (who === null || endsAtMs === undefined) {
      this.#find(entry, 'frees a slot that nobody has');
      return;
    }
    const needs = releases[detail];
    if (needs !== (endsAtMs === null ? 'checkout' : 'unused'))
      this.#find(entry, `ends a slot without a reason: ${detail}`);
    if (detail === 'pass_expired' && endsAtMs !== null && atMs < endsAtMs)
      this.#find(entry, 'ends a pass before its time');
    this.#active.delete(who);
  }
}
