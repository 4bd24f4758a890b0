/** An agent in the foreground: started, kept until a signal or until another process takes over, drained, stopped. */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Agent, type AgentOptions, startAgent } from '../agent/agent.ts';
import type { Config } from '../agent/config/schema.ts';
import { openAgentLog } from '../agent/log.ts';
import { isMusterError, messageOf } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { type LogFile, openLogFile, sinkOf } from '../lib/log-file.ts';
import { compileEagerly } from './compile-eagerly.ts';
import { type Foreground, inForeground } from './foreground/foreground.ts';

export interface Running {
  agent: Agent;
  logger: Logger;
  /** What it was started with. */
  config: Config;
  /** Aborts when the end begins. */
  signal: AbortSignal;
}

export interface RunOptions {
  /**
   * Called at the start and again for each reload. Throws what is wrong with the configuration; the warnings are what
   * has no effect.
   */
  readConfig(): { config: Config; warnings: readonly string[] };
  /** Called once the API is open, which may be long before the servers are there that the agent follows. */
  opened?(config: Config): void;
  /** Called once the agent runs. */
  started(running: Running): void;
  /** As of the agent. */
  groupOutput?: AgentOptions['groupOutput'];
}

/** Resolves with exit code 0 once everything has ended after a signal; a second signal ends the process with 1. */
export async function runAgent({ readConfig, opened, started, groupOutput }: RunOptions): Promise<number> {
  const { config, warnings } = readConfig();
  const file = logFileOf(config.log);
  const log = openAgentLog({ ...config.log, sink: sinkOf(config.log.format, file) });
  const { logger } = log;
  const warn = (about: readonly string[]) => {
    for (const warning of about) logger.child('config').warn(warning);
  };
  warn(warnings);
  let agent: Agent | undefined;
  /** Of an agent that waits for servers. */
  let reloadWaiting: Agent['reload'] | undefined;
  let latest = config;
  const onSecond = () => agent?.groups.kill();
  const onHangUp = () => {
    const reload = agent?.reload ?? reloadWaiting;
    reload?.().catch((error: unknown) => logger.error(`the old configuration stays: ${messageOf(error)}`));
  };

  return inForeground({ log: logger, onSecond, onHangUp }, async (foreground) => {
    const { signal } = foreground;
    let isOpen = false;
    const open = () => {
      if (!isOpen) opened?.(config);
      isOpen = true;
    };
    // As long as another process answers from a catalog, this one waits until it has one.
    const onAway = foreground.replaces
      ? undefined
      : ({ reload }: Pick<Agent, 'reload'>) => {
          reloadWaiting = reload;
          open();
          foreground.answering().catch((error: unknown) => logger.warn(messageOf(error)));
        };
    const start = (ways: Pick<AgentOptions, 'onAway'> = {}): Promise<Agent> =>
      startAgent(inForce(config, latest), {
        log,
        signal,
        sockets: foreground.sockets,
        ...uiDirectory(),
        ...(groupOutput === undefined ? {} : { groupOutput }),
        readConfig: async () => {
          const again = readConfig();
          warn(again.warnings);
          latest = again.config;
          return latest;
        },
        onLeave: () => {
          logger.info('left on request over the API');
          foreground.end();
        },
        replace: () => foreground.replace(),
        ...ways,
      });
    try {
      await foreground.turn();
      agent = await start(onAway === undefined ? {} : { onAway });
      const serve = serving(foreground, () => latest, {
        current: () => agent as Agent,
        revive: async () => {
          await foreground.sockets.share();
          agent = await start();
        },
      });
      let isReplaced = false;
      try {
        if (!signal.aborted) {
          await serve;
          open();
          compileEagerly();
          started({ agent, logger, config, signal });
        }
        ({ isReplaced } = await foreground.ended);
      } finally {
        foreground.end();
        await agent.drain(isReplaced);
        await agent.stop();
      }
      return 0;
    } catch (error) {
      // Told to end while it waited for the other nodes of its cluster.
      if (signal.aborted && isMusterError(error, 'cluster.refused')) return 0;
      throw error;
    }
  });
}

/** What an agent that began with one configuration and then read another goes by. */
function inForce(config: Config, { service, check, group, template, watch }: Config): Config {
  return { ...config, service, check, group, template, watch };
}

function logFileOf({
  file,
  rotateBytes,
  rotateDuration,
  rotateMaxFiles,
}: Config['log']): LogFile | undefined {
  if (file === undefined) return undefined;
  return openLogFile(
    { path: file, rotateBytes, rotateAfter: rotateDuration, keep: rotateMaxFiles },
    systemClock,
  );
}

/** Tells that the agent serves, and how it hands over. */
function serving(
  foreground: Foreground,
  latest: () => Config,
  { current, revive }: { current: () => Agent; revive: () => Promise<void> },
): Promise<void> {
  return foreground.serving({
    obstacle() {
      const config = latest();
      if (config.node.dev || config.node.dataDir === undefined)
        return 'an agent that keeps everything in memory (-dev) cannot be replaced, since a new process would know nothing: give it -data-dir';
      if (config.group.length > 0)
        return 'an agent with groups cannot be replaced: their instances are its children and would end with it. Run the groups by an agent of their own, or restart this one';
      return undefined;
    },
    yield: () => current().yield(),
    async revive() {
      const yielded = current();
      await revive();
      // What it still has to answer it answers, the new one has its sockets.
      void yielded.drain(true).then(() => yielded.stop());
    },
  });
}

/** The built dashboard lies beside the bundle; run from source there is none. */
function uiDirectory(): { uiDirectory?: string } {
  const directory = fileURLToPath(new URL('./ui', import.meta.url));
  return fs.existsSync(directory) ? { uiDirectory: directory } : {};
}
