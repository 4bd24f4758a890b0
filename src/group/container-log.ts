/** What a container writes, from where it was read last: over breaks of the stream, and over restarts of Muster. */
import type { DockerEngine } from '../docker/engine.ts';
import type { Launch } from './drivers.ts';

export interface ContainerLog {
  /** Begins to read, or goes on when the stream broke off. */
  follow(): void;
  /** Reads the rest; for a container that has ended. */
  end(): Promise<void>;
  /** Stops reading; a later run of Muster goes on from there. */
  release(): void;
}

/** The rest of a log is waited for this long; ms. */
const REST = 2_000;

export function containerLog({ name, output, keep }: Launch, engine: DockerEngine, id: string): ContainerLog {
  /** Time of the last message that was handed on, in nanoseconds since the epoch; 0: none was. */
  let last = BigInt(keep?.noted(name, id) ?? 0);
  let reading: Promise<void> | undefined;
  const stopping = new AbortController();
  let head = '';
  let isHead = true;

  const read = (): Promise<void> => {
    const from = last === 0n ? 0n : last + 1n;
    const since = `${from / 1_000_000_000n}.${String(from % 1_000_000_000n).padStart(9, '0')}`;
    isHead = true;
    return engine
      .logs(
        id,
        (piece, stream, isFirst) => {
          let content = piece;
          if (isFirst) {
            isHead = true;
            head = '';
          }
          // "2026-01-31T08:00:00.123456789Z " stands in front of each message, perhaps in two pieces.
          if (isHead) {
            const space = piece.indexOf(0x20);
            head += piece.toString('latin1', 0, space === -1 ? piece.length : space);
            if (space === -1) return;
            isHead = false;
            content = piece.subarray(space + 1);
            last = nanoseconds(head) ?? last;
          }
          output(stream === 2 ? 'stderr' : 'stdout', content);
          keep?.note(name, id, String(last));
        },
        since,
        stopping.signal,
      )
      .catch(() => {
        // The engine went away: it is read on when that tells of the container again.
      });
  };
  const follow = (): void => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
  };
  return {
    follow,
    async end() {
      await reading;
      follow();
      const timer = setTimeout(() => stopping.abort(), REST);
      await reading;
      clearTimeout(timer);
    },
    release() {
      stopping.abort();
    },
  };
}

/** Since the epoch; undefined for what is no time. */
function nanoseconds(text: string): bigint | undefined {
  const [, seconds, fraction = ''] = /^(.*?)(?:\.(\d{1,9}))?Z$/.exec(text) ?? [];
  const ms = Date.parse(`${seconds}Z`);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
