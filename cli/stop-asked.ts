/** When a process that serves is asked to end. */

/**
 * Resolves at the first signal; the others of one Ctrl-C (npm passes it on as well) change nothing. A member of a crew also
 * stops when the process that started it is gone.
 */
export function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
    process.on('disconnect', () => resolve());
    // To be told is no reason to stay.
    process.channel?.unref();
  });
}
