/**
 * Token buckets: the words and the port. A bucket holds at most `burst` tokens and gains `perMinute` tokens a minute;
 * a request takes one. All nodes share the buckets.
 */

export interface BucketTerms {
  /** First part of the bucket's name in the store. */
  readonly name: string;
  readonly perMinute: number;
  readonly burst: number;
}

export interface Taken {
  readonly allowed: boolean;
  /** Whole tokens left after this request. */
  readonly remaining: number;
  /** Until a token is there again; 0 when one is. */
  readonly retryAfterMs: number;
  /** Until the bucket is full. */
  readonly fullAfterMs: number;
}

export interface RateLimits {
  /** Takes a token of `key`'s bucket. Rejects when the store gives no answer: a token may have been taken then. */
  take(terms: BucketTerms, key: string): Promise<Taken>;
}
