/** When a process that serves is asked to end. */

/** Resolves at the first signal; the others of one Ctrl-C (npm passes it on as well) change nothing. */
export function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}
