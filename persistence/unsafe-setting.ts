/** A setting of a store under which a promise does not hold. The server refuses to start on one, or says it loudly. */
export interface UnsafeSetting {
  /** The store's own name of it. */
  readonly setting: string;
  readonly found: string;
  readonly needed: string;
  /** What can be lost, as the end of "with this setting, …". */
  readonly lost: string;
}
