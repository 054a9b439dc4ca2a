/** The requests of ours that one peer has not settled yet. Each is settled exactly once, at its deadline at the latest. */
import type { MeshReply } from '../engine/mesh.ts';

interface Pending {
  readonly deadlineMs: number;
  readonly resolve: (reply: MeshReply) => void;
  readonly reject: (error: unknown) => void;
  /** From here on nobody can say that it did not happen. */
  sent: boolean;
}

export class Requests {
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  get size(): number {
    return this.#pending.size;
  }

  /** The number is what the peer will call it by. Deadline in epoch ms. */
  begin(deadlineMs: number): { readonly id: number; readonly reply: Promise<MeshReply> } {
    const id = ++this.#lastId;
    const reply = new Promise<MeshReply>((resolve, reject) => {
      this.#pending.set(id, { deadlineMs, resolve, reject, sent: false });
    });
    return { id, reply };
  }

  /** Called as it is handed to the socket. False: it is settled already and need not be sent. */
  send(id: number): boolean {
    const pending = this.#pending.get(id);
    if (pending) pending.sent = true;
    return pending !== undefined;
  }

  /** Harmless for what is settled already, or never was. */
  settle(id: number, reply: MeshReply): void {
    this.#pending.get(id)?.resolve(reply);
    this.#pending.delete(id);
  }

  /** For what could never be sent because of a bug. */
  fail(id: number, error: unknown): void {
    this.#pending.get(id)?.reject(error);
    this.#pending.delete(id);
  }

  /** Settles what is due at `nowMs` (epoch ms). There are few enough to look at all. */
  expire(nowMs: number): void {
    for (const [id, { deadlineMs, sent }] of this.#pending) {
      if (deadlineMs <= nowMs) this.settle(id, sent ? { kind: 'unanswered' } : { kind: 'refused', reason: 'late' });
    }
  }

  /** Settles all: no answer can come any more. */
  end(): void {
    for (const [id, { sent }] of this.#pending) {
      this.settle(id, sent ? { kind: 'unanswered' } : { kind: 'refused', reason: 'unreachable' });
    }
  }
}
