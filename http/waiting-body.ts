/** The pieces of a body whose end has not come: kept, and counted in what all bodies under way take together. */
export class WaitingBody {
  readonly #together: { waitingBytes: number };
  #parts: Buffer[] = [];

  constructor(together: { waitingBytes: number }) {
    this.#together = together;
  }

  keep(chunk: ArrayBuffer): void {
    this.#together.waitingBytes += chunk.byteLength;
    // A copy: the chunk's memory is taken back when its call returns.
    this.#parts.push(Buffer.from(Buffer.from(chunk)));
  }

  whole(last: ArrayBuffer): Buffer {
    return Buffer.concat([...this.#parts, Buffer.from(last)]);
  }

  drop(): void {
    for (const part of this.#parts) this.#together.waitingBytes -= part.length;
    this.#parts = [];
  }
}
