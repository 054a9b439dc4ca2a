/** A value that components watch: what several of them share, and nothing more. */
import { useEffect, useState } from 'preact/hooks';

export interface Observed<Value> {
  get(): Value;
  set(value: Value): void;
  /** Calls `told` at each change; the result ends that. */
  watch(told: (value: Value) => void): () => void;
}

export function observed<Value>(initial: Value): Observed<Value> {
  let value = initial;
  const watchers = new Set<(value: Value) => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const told of [...watchers]) told(next);
    },
    watch(told) {
      watchers.add(told);
      return () => void watchers.delete(told);
    },
  };
}

/** The value, and a new rendering whenever it changes. */
export function useObserved<Value>(source: Observed<Value>): Value {
  const [value, setValue] = useState(() => source.get());
  useEffect(() => {
    // It may have changed between the rendering and this.
    setValue(() => source.get());
    return source.watch((next) => setValue(() => next));
  }, [source]);
  return value;
}
