/** Ctrl-C and SIGTERM for verbs that go on until they are ended. */
import { takeOverFirst } from './foreground/first-signals.ts';

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

/** Runs `work` with a signal that is aborted by the first of them; a second one ends the process as usual. */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  const onSignal = () => ending.abort();
  for (const name of SIGNALS) process.once(name, onSignal);
  takeOverFirst(SIGNALS);
  try {
    return await work(ending.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, onSignal);
  }
}
