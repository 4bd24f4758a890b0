import {
  createLogger,
  LOG_LEVELS,
  type Logger,
  type LogLevel,
  type LogSink,
  stderrSink,
} from '../lib/log.ts';

/** The log of an agent: written to standard error from a level on, and followed whole by whoever asks. */
export interface AgentLog {
  readonly logger: Logger;
  /** From now on lines are written from this level on. */
  setLevel(level: LogLevel): void;
  /** Hands every line, whatever its level, to `sink`; the answer ends it. */
  tail(sink: LogSink): () => void;
}

export function openAgentLog(options: {
  level: LogLevel;
  format: 'pretty' | 'json';
  /** In place of standard error. */
  sink?: LogSink;
}): AgentLog {
  const { level, format, sink = stderrSink(format) } = options;
  let least = LOG_LEVELS.indexOf(level);
  const tails = new Set<LogSink>();
  const logger = createLogger({
    level: 'trace',
    hears: (own) => tails.size > 0 || LOG_LEVELS.indexOf(own) >= least,
    sink: (line) => {
      if (LOG_LEVELS.indexOf(line.level) >= least) sink(line);
      for (const tail of tails) tail(line);
    },
  });
  return {
    logger,
    setLevel(wanted) {
      least = LOG_LEVELS.indexOf(wanted);
    },
    tail(tail) {
      tails.add(tail);
      return () => tails.delete(tail);
    },
  };
}
