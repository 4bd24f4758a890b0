import { messageOf } from '../../errors.ts';
import type { Findings, SourceContext } from './source.ts';

/** Least time (ms) between two looks. */
const LEAST = 1_000;

/** Looks at once and then every `refresh` ms, one look at a time. */
export function poll(
  look: (signal: AbortSignal) => Promise<Findings>,
  refresh: number,
  { clock, found, trouble }: Pick<SourceContext, 'clock' | 'found' | 'trouble'>,
): () => void {
  const stopped = new AbortController();
  const { signal } = stopped;
  let cancel = () => {};
  const run = async (): Promise<void> => {
    try {
      const findings = await look(signal);
      if (!signal.aborted) found(findings);
    } catch (error) {
      if (!signal.aborted) trouble(messageOf(error));
    }
    if (!signal.aborted) cancel = clock.after(Math.max(LEAST, refresh), () => void run());
  };
  void run();
  return () => {
    stopped.abort();
    cancel();
  };
}
