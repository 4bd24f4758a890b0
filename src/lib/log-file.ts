import { closeSync, fstatSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { fileTrouble, MusterError, messageOf } from '../errors.ts';
import type { Clock } from './clock.ts';
import { formatJson, formatPretty, type LogSink } from './log.ts';

export interface LogFileOptions {
  /** A file; with a slash at its end a folder, for a "muster.log" in it. */
  readonly path: string;
  /** Begun anew once it has so many bytes. 0: never for its size. */
  readonly rotateBytes: number;
  /** And once it is so old (ms). 0: never for its age. */
  readonly rotateAfter: number;
  /** How many earlier ones are kept: 0 all of them, -1 none. */
  readonly keep: number;
}

export interface LogFile {
  write(text: string): void;
  close(): void;
}

/** As Consul has it: a day in a file, all of them kept. */
export const LOG_FILE_DEFAULTS = { rotateBytes: 0, rotateAfter: 86_400_000, keep: 0 } as const;

/**
 * A file of log lines. One that is full or old is renamed to "name-NANOSECONDS.log", so that names sort by age, and
 * begun anew. Lines are few: each is written before the program goes on, so that none is lost when it dies. Throws
 * `config.unreadable` when it cannot be opened; a disk that is full later costs lines, not the program.
 */
export function openLogFile(options: LogFileOptions, clock: Pick<Clock, 'now'>): LogFile {
  const file = options.path.endsWith('/') ? path.join(options.path, 'muster.log') : options.path;
  let descriptor: number | undefined;
  let size = 0;
  let since = 0;
  let hasComplained = false;
  let last = 0n;

  const open = (): number => {
    const opened = openSync(file, 'a', 0o640);
    const { size: there, birthtimeMs } = fstatSync(opened);
    size = there;
    // A file system that does not know when a file was made says 0.
    since = birthtimeMs > 0 ? birthtimeMs : clock.now();
    descriptor = opened;
    return opened;
  };
  const close = (): void => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };
  const isOver = (): boolean =>
    (options.rotateBytes > 0 && size >= options.rotateBytes) ||
    (options.rotateAfter > 0 && clock.now() - since >= options.rotateAfter);
  const rotate = (): void => {
    close();
    const now = BigInt(Math.trunc(clock.now())) * 1_000_000n;
    last = now > last ? now : last + 1n;
    const { before, extension } = partsOf(file);
    renameSync(file, `${before}-${last}${extension}`);
    if (options.keep === 0) return;
    const earlier = earlierFiles(file);
    for (const name of earlier.slice(0, earlier.length - Math.max(0, options.keep)))
      rmSync(name, { force: true });
  };

  try {
    open();
  } catch (cause) {
    throw new MusterError('config.unreadable', `cannot write log lines to ${file}: ${fileTrouble(cause)}`, {
      cause,
    });
  }
  return {
    write(text) {
      try {
        if (descriptor !== undefined && isOver()) rotate();
        writeSync(descriptor ?? open(), text);
        size += Buffer.byteLength(text);
        hasComplained = false;
      } catch (error) {
        if (!hasComplained)
          process.stderr.write(`log lines cannot be written to ${file}: ${messageOf(error)}\n`);
        hasComplained = true;
      }
    },
    close,
  };
}

/** Every line to standard error and, where one is given, to the file. */
export function sinkOf(format: 'pretty' | 'json', file: LogFile | undefined): LogSink {
  const formatted = format === 'json' ? formatJson : formatPretty;
  return (line) => {
    const text = formatted(line);
    process.stderr.write(text);
    file?.write(text);
  };
}

function partsOf(file: string): { before: string; extension: string } {
  const extension = path.extname(file);
  return { before: file.slice(0, file.length - extension.length), extension: extension || '.log' };
}

/** The oldest first. */
function earlierFiles(file: string): string[] {
  const { before, extension } = partsOf(file);
  const prefix = `${path.basename(before)}-`;
  return readdirSync(path.dirname(file))
    .filter(
      (name) =>
        name.startsWith(prefix) &&
        name.endsWith(extension) &&
        /^\d+$/.test(name.slice(prefix.length, name.length - extension.length)),
    )
    .sort()
    .map((name) => path.join(path.dirname(file), name));
}
