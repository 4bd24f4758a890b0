/** The time for a probe was over. */
export class DeadlineExceeded extends Error {
  constructor() {
    super('context deadline exceeded');
  }
}

/**
 * Does `task` with a signal that is aborted with `signal`, and with `DeadlineExceeded` as its reason after `ms`. Nothing of it stays with `signal`, which outlives it.
 */
export async function withDeadline<T>(
  signal: AbortSignal,
  ms: number,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const stop = () => end.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const timer = setTimeout(() => end.abort(new DeadlineExceeded()), ms);
  try {
    return await task(end.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
