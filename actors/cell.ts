/**
 * One actor's cell: its bounded mailbox, its turns, its incarnations. It does not know nact: what runs an incarnation
 * is handed in as a `Runner` (kit.ts makes one).
 *
 * A reference outlives a crash. The cell starts the next incarnation with fresh state after a growing delay; answers
 * meant for the incarnation before are dropped; a message that will never be handled goes to `abandon`.
 */
import type { World } from '../engine/ports.ts';
import { Fifo } from './fifo.ts';
import type { ActorWatch, CellOptions, Self } from './kit.ts';

/** Runs one incarnation. */
export interface Runner {
  /** Has the incarnation take the next message, on the runner's own time. */
  turn(): void;
  stop(): void;
}

/** One incarnation's life, as its runner sees it. */
export interface Life {
  /** True once it has ended: whatever its handler still does must have no effect. */
  over(): boolean;
  crashed(error: unknown): void;
}

export interface CellContext<M> {
  readonly world: World;
  readonly watch: ActorWatch;
  readonly options: CellOptions;
  readonly abandon: (message: M) => void;
  /** Starts an incarnation. */
  readonly hatch: (cell: Cell<M>, self: Self<M>, life: Life) => Runner;
  /** Event-sourced actors take a first turn without a message, to go on where they were. */
  readonly wakeOnBegin: boolean;
}

export class Cell<M> {
  readonly name: string;
  readonly #mailbox = new Fifo<{ readonly message: M; readonly fromItself: boolean }>();
  readonly #context: CellContext<M>;
  #incarnation = 0;
  #runner: Runner | null = null;
  #busy = false;
  #handling: M | null = null;
  #stopped = false;
  #restarts = 0;
  #turnDone: () => void = idle;

  constructor(name: string, context: CellContext<M>) {
    this.name = name;
    this.#context = context;
    this.#begin();
  }

  tell(message: M, fromItself = false): void {
    if (this.#stopped || this.#mailbox.length >= this.#context.options.mailboxMax) {
      this.#context.watch.abandoned(this.name);
      this.#context.abandon(message);
      return;
    }
    this.#mailbox.push({ message, fromItself });
    this.wake();
  }

  /** Asks for a turn, unless one is under way or the actor is between two incarnations. */
  wake(): void {
    if (this.#busy || !this.#runner) return;
    this.#busy = true;
    const { world } = this.#context;
    const incarnation = this.#incarnation;
    world.turns.schedule((done) => {
      if (incarnation !== this.#incarnation || !this.#runner) {
        done();
        return;
      }
      this.#turnDone = done;
      this.#runner.turn();
    });
  }

  /** The message of this turn; null when the turn was only a wake-up. */
  take(): M | null {
    this.#handling = this.#mailbox.shift()?.message ?? null;
    return this.#handling;
  }

  /** Ends a turn that went well. */
  handled(): void {
    this.#handling = null;
    this.#restarts = 0;
    this.#endTurn();
    if (this.#mailbox.length > 0) this.wake();
  }

  get idle(): boolean {
    return !this.#busy && this.#mailbox.length === 0;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#end();
    for (const { message } of this.#mailbox.take(Number.POSITIVE_INFINITY)) this.#context.abandon(message);
  }

  #begin(): void {
    const incarnation = ++this.#incarnation;
    const over = () => incarnation !== this.#incarnation;
    const crashed = (error: unknown) => this.#crashed(incarnation, error);
    const runner = this.#context.hatch(this, this.#self(over), { over, crashed });
    // It may have crashed while it began: then its runner is dead already, and a turn given to it would never end.
    if (over()) return;
    this.#runner = runner;
    if (this.#mailbox.length > 0 || this.#context.wakeOnBegin) this.wake();
  }

  #self(over: () => boolean): Self<M> {
    const { world } = this.#context;
    const tell = (message: M) => {
      if (over()) this.#context.abandon(message);
      else this.tell(message, true);
    };
    return {
      now: () => world.clock.now(),
      tell,
      after: (delayMs, message) => world.timers.after(delayMs, () => tell(message)),
      pipe: (work, done, failed) => {
        work.then(
          (value) => tell(done(value)),
          (error: unknown) => tell(failed(error)),
        );
      },
    };
  }

  #crashed(incarnation: number, error: unknown): void {
    if (incarnation !== this.#incarnation || this.#stopped) return;
    this.#context.watch.crashed(this.name, error);
    this.#end();
    const { minMs, maxMs } = this.#context.options.restart;
    const delayMs = Math.min(maxMs, minMs * 2 ** this.#restarts++);
    this.#context.world.timers.after(delayMs, () => {
      if (!this.#stopped) this.#begin();
    });
  }

  /**
   * Ends the incarnation: its answers are void, also those that wait in the mailbox, and the message it was handling is
   * settled. What others have sent waits for the next one.
   */
  #end(): void {
    this.#incarnation++;
    this.#runner?.stop();
    this.#runner = null;
    const lost = this.#handling;
    this.#handling = null;
    this.#endTurn();
    if (lost !== null) this.#context.abandon(lost);
    for (const waiting of this.#mailbox.take(Number.POSITIVE_INFINITY)) {
      if (waiting.fromItself) this.#context.abandon(waiting.message);
      else this.#mailbox.push(waiting);
    }
  }

  #endTurn(): void {
    this.#busy = false;
    const done = this.#turnDone;
    this.#turnDone = idle;
    done();
  }
}

const idle = () => {};
