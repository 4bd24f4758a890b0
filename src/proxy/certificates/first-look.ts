import type { Clock } from '../../lib/clock.ts';
import { silentLogger } from '../../lib/log.ts';
import { Collector } from './collector.ts';
import type { SourceOptions } from './kinds.ts';

/** What a source holds at the moment. */
export interface FirstLook {
  /** How many certificates are of use. */
  readonly certificates: number;
  /** What is wrong, each with its place. */
  readonly problems: readonly string[];
}

/** Reads a source once, for those who would rather not begin than go on without it. Only for kinds that answer at once. */
export async function lookAt(
  source: SourceOptions & { kind: 'file' | 'path' },
  clock: Clock,
): Promise<FirstLook> {
  let collector: Collector | undefined;
  const certificates = await new Promise<number>((resolve) => {
    collector = new Collector({
      sources: [source],
      clock,
      log: silentLogger,
      publish: (store) => resolve(store.certificates.length),
    });
  });
  collector?.stop();
  return { certificates, problems: collector?.problems ?? [] };
}
