/** How programs in the foreground end: at the first signal in order, at the second at once. */
import type { Logger } from '../lib/log.ts';

const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

/** Runs `body`, whose `stopped` resolves at the first signal; a second one ends the process with 1. Resolves and rejects as it does. */
export async function untilStopped(
  log: Logger,
  body: (stopped: Promise<void>) => Promise<number>,
): Promise<number> {
  let ending = false;
  let end = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    end = resolve;
  });
  const onSignal = (signal: NodeJS.Signals): void => {
    if (ending) {
      log.warn(`second signal (${signal}): ended at once`);
      process.exit(1);
    }
    ending = true;
    log.info(`${signal}: nothing new is taken, what is in flight may finish`);
    end();
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  try {
    return await body(stopped);
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
  }
}
