/** An agent in the foreground: started, kept until a signal, drained, stopped. */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Agent, type AgentOptions, startAgent } from '../agent/agent.ts';
import type { Config } from '../agent/config/schema.ts';
import { openAgentLog } from '../agent/log.ts';
import { isMusterError, messageOf } from '../errors.ts';
import type { Logger } from '../lib/log.ts';

export interface Running {
  agent: Agent;
  logger: Logger;
  /** Aborts when the end begins. */
  signal: AbortSignal;
}

export interface RunOptions {
  /**
   * Called at the start and again for each reload. Throws what is wrong with the configuration; the warnings are what
   * has no effect.
   */
  readConfig(): { config: Config; warnings: readonly string[] };
  /** Called once the agent runs. */
  started(running: Running): void;
  /** As of the agent. */
  groupOutput?: AgentOptions['groupOutput'];
}

const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

/** Resolves with exit code 0 once everything has ended after a signal; a second signal ends the process with 1. */
export async function runAgent({ readConfig, started, groupOutput }: RunOptions): Promise<number> {
  const { config, warnings } = readConfig();
  const log = openAgentLog(config.log);
  const { logger } = log;
  const warn = (about: readonly string[]) => {
    for (const warning of about) logger.child('config').warn(warning);
  };
  warn(warnings);
  const ending = new AbortController();
  let agent: Agent | undefined;

  const end = new Promise<void>((resolve) => ending.signal.addEventListener('abort', () => resolve()));
  const onSignal = (signal: NodeJS.Signals): void => {
    if (ending.signal.aborted) {
      logger.warn(`second signal (${signal}): ended at once`);
      agent?.groups.kill();
      process.exit(1);
    }
    logger.info(`${signal}: no more requests are taken, those in flight may finish`);
    ending.abort();
  };
  const onHangUp = (): void => {
    agent
      ?.reload()
      .catch((error: unknown) => logger.error(`the old configuration stays: ${messageOf(error)}`));
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  process.on('SIGHUP', onHangUp);

  try {
    agent = await startAgent(config, {
      log,
      signal: ending.signal,
      ...uiDirectory(),
      ...(groupOutput === undefined ? {} : { groupOutput }),
      readConfig: async () => {
        const again = readConfig();
        warn(again.warnings);
        return again.config;
      },
      onLeave: () => {
        logger.info('left on request over the API');
        ending.abort();
      },
    });
    try {
      if (!ending.signal.aborted) started({ agent, logger, signal: ending.signal });
      await end;
    } finally {
      ending.abort();
      await agent.drain();
      await agent.stop();
    }
    return 0;
  } catch (error) {
    // Told to end while it waited for the other nodes of its cluster.
    if (ending.signal.aborted && isMusterError(error, 'cluster.refused')) return 0;
    throw error;
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
    process.off('SIGHUP', onHangUp);
  }
}

/** The built dashboard lies beside the bundle; run from source there is none. */
function uiDirectory(): { uiDirectory?: string } {
  const directory = fileURLToPath(new URL('./ui', import.meta.url));
  return fs.existsSync(directory) ? { uiDirectory: directory } : {};
}
