/** What a page shows and must first ask for: once, or again and again while somebody looks. */
import { useCallback, useEffect, useState } from 'preact/hooks';

type Load<Value> = (signal: AbortSignal) => Promise<Value>;

/** Null until the answer is there; asked again when one of `inputs` changes. */
export function useLoaded<Value>(load: Load<Value>, inputs: readonly unknown[]): Value | null {
  const [value, setValue] = useState<Value | null>(null);
  useEffect(() => {
    setValue(null);
    return running(load, (loaded) => setValue(() => loaded));
  }, inputs);
  return value;
}

/** The same, with a way to ask again: until then what was there stays, so that nothing flickers. */
export function useReloadable<Value>(load: Load<Value>, inputs: readonly unknown[]): [Value | null, () => void] {
  const [value, setValue] = useState<Value | null>(null);
  const [asking, setAsking] = useState(0);
  useEffect(() => running(load, (loaded) => setValue(() => loaded)), [asking, ...inputs]);
  return [value, useCallback(() => setAsking((before) => before + 1), [])];
}

/** The newest answer, asked for again `everyMs` after it came, while the page is visible, and at once when it becomes so. */
export function useRepeated<Value>(load: Load<Value>, everyMs: () => number, inputs: readonly unknown[]): Value | null {
  const [value, setValue] = useState<Value | null>(null);
  useEffect(() => {
    setValue(null);
    return repeated(load, everyMs, (loaded) => setValue(() => loaded));
  }, inputs);
  return value;
}

/** Asks again `everyMs` after an answer, while the page is visible; the result ends it. */
function repeated<Value>(load: Load<Value>, everyMs: () => number, show: (value: Value) => void): () => void {
  let end = () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = () => {
    if (document.visibilityState === 'hidden') return;
    end = running(load, (value) => {
      show(value);
      timer = setTimeout(ask, everyMs());
    });
  };
  const look = () => {
    clearTimeout(timer);
    end();
    ask();
  };
  document.addEventListener('visibilitychange', look);
  ask();
  return () => {
    document.removeEventListener('visibilitychange', look);
    clearTimeout(timer);
    end();
  };
}

function running<Value>(load: Load<Value>, show: (value: Value) => void): () => void {
  const ended = new AbortController();
  load(ended.signal).then(
    (value) => {
      if (!ended.signal.aborted) show(value);
    },
    (error: unknown) => {
      if (!ended.signal.aborted) throw error;
    },
  );
  return () => ended.abort(new DOMException('The page has moved on.', 'AbortError'));
}
