/** Signals that came before the program listened to them: bin/muster, which loads it, keeps some for it. */

interface FirstSignals {
  readonly came: Set<NodeJS.Signals>;
  readonly listeners: readonly ((signal: NodeJS.Signals) => void)[];
}

/**
 * To be called as soon as these signals are listened to, and not before: one that nobody listens to ends the process. What came of
 * them is heard now. Idempotent.
 */
export function takeOverFirst(signals: readonly NodeJS.Signals[]): void {
  const { musterFirstSignals: first } = globalThis as { musterFirstSignals?: FirstSignals };
  if (first === undefined) return;
  for (const signal of signals) {
    for (const listener of first.listeners) process.off(signal, listener);
    if (first.came.delete(signal)) process.emit(signal, signal);
  }
}
