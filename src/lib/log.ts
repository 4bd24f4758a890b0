/** Log lines: to stderr, pretty on a terminal, JSON on request. One writer for the whole process. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogFields = Record<string, string | number | boolean | undefined>;

export interface LogLine {
  time: number;
  level: LogLevel;
  part: string;
  message: string;
  fields: LogFields;
}

export type LogSink = (line: LogLine) => void;

export interface Logger {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Whether lines of this level go anywhere: on hot paths nothing is made for one that does not. */
  hears(level: LogLevel): boolean;
  /** A logger for a part of the program; its name stands in front of the message. */
  child(part: string): Logger;
}

export interface LogOptions {
  level: LogLevel;
  sink: LogSink;
  /** Of a sink that does not take every line: which levels it takes now. */
  hears?: (level: LogLevel) => boolean;
}

export function createLogger(options: LogOptions, part = 'muster'): Logger {
  const { level, sink } = options;
  const least = LOG_LEVELS.indexOf(level);
  const hears = options.hears ?? ((own) => LOG_LEVELS.indexOf(own) >= least);
  const at =
    (own: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (hears(own)) sink({ time: Date.now(), level: own, part, message, fields });
    };
  return {
    hears,
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (name) => createLogger(options, name),
  };
}

/** For tests and for parts that were given no logger. */
export const silentLogger: Logger = createLogger({ level: 'error', sink: () => {} });

export function formatPretty(line: LogLine): string {
  return withLevel(line, line.level.toUpperCase().padEnd(5));
}

/** The same with the level in brackets, as programs look for it in the log of a Consul agent. */
export function formatBracketed(line: LogLine): string {
  return withLevel(line, `[${line.level.toUpperCase()}]`.padEnd(7));
}

function withLevel({ time, part, message, fields }: LogLine, level: string): string {
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) =>
        ` ${key}=${typeof value === 'string' && /[\s"=\p{Cc}]/u.test(value) ? plain(JSON.stringify(value)) : value}`,
    )
    .join('');
  return `${new Date(time).toISOString()} ${level} ${part}: ${plain(message)}${rest}\n`;
}

/** What moves a terminal's cursor, or begins what looks like a line of ours, is written out: others have a say in what is logged. */
function plain(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

export function formatJson({ time, level, part, message, fields }: LogLine): string {
  return `${JSON.stringify({ time: new Date(time).toISOString(), level, part, message, ...fields })}\n`;
}

export function stderrSink(format: 'pretty' | 'json'): LogSink {
  const write = format === 'json' ? formatJson : formatPretty;
  return (line) => {
    process.stderr.write(write(line));
  };
}
