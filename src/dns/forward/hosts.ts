import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileTrouble } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { addressBytes } from '../../lib/ip.ts';
import type { Logger } from '../../lib/log.ts';

export interface HostLine {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  /** In lower case, without a dot at the end. The first one is what the address is called. */
  readonly names: readonly string[];
}

/** What a hosts file says: lines of an address and its names; "#" begins a comment. `onFault` is told of lines that say something else. */
function parseHosts(text: string, onFault: (line: number, what: string) => void = () => {}): HostLine[] {
  const lines: HostLine[] = [];
  text.split(/\r?\n/).forEach((line, at) => {
    const [address = '', ...names] = line.replace(/#.*$/, '').trim().split(/\s+/);
    if (address === '') return;
    // A zone ("fe80::1%eth0") is of use on this machine alone.
    if (address.includes('%')) return;
    const bytes = addressBytes(address);
    if (bytes === undefined) onFault(at + 1, `${JSON.stringify(address)} is no address`);
    else if (names.length === 0) onFault(at + 1, `${address} has no name`);
    else lines.push({ address: bytes, names: names.map((name) => name.toLowerCase().replace(/\.$/, '')) });
  });
  return lines;
}

/** How often files are looked at: a look costs some microseconds, and notices of the system miss files that are replaced. */
const LOOK_EVERY = 1_000;
/** A hosts file of this size is a mistake. */
const MAX_BYTES = 64 * 1024 * 1024;

export interface HostsFilesOptions {
  /** Files, or folders of files. One that is not there says nothing until it is. */
  readonly paths: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** What they say together, at once and whenever it changes. */
  readonly onChange: (lines: readonly HostLine[]) => void;
}

/** Follows hosts files; the answer ends it. A file that cannot be read any more keeps saying what it last said. */
export function followHosts({ paths, clock, logger, onChange }: HostsFilesOptions): () => void {
  const known = new Map<string, { stamp: string; lines: readonly HostLine[] }>();
  const missing = new Set<string>();
  const filesAt = (path: string): string[] => {
    try {
      const files = filesIn(path);
      missing.delete(path);
      return files;
    } catch (error) {
      // It may be written later, and is watched; a mistyped name is to be seen all the same.
      if (!missing.has(path)) logger.warn(`${path} cannot be read: ${fileTrouble(error)}; it is watched`);
      missing.add(path);
      return [];
    }
  };
  const look = (): boolean => {
    let changed = false;
    const files = paths.flatMap(filesAt);
    for (const file of known.keys())
      if (!files.includes(file)) {
        known.delete(file);
        changed = true;
      }
    for (const file of files) {
      const stamp = stampOf(file);
      if (stamp === undefined || known.get(file)?.stamp === stamp) continue;
      try {
        const lines = parseHosts(readFileSync(file, 'utf8'), (line, what) =>
          logger.warn(`${file}:${line}: ${what}; the line is passed over`),
        );
        known.set(file, { stamp, lines });
      } catch (error) {
        known.set(file, { stamp, lines: known.get(file)?.lines ?? [] });
        logger.warn(`${file} cannot be read: ${fileTrouble(error)}`);
      }
      changed = true;
    }
    return changed;
  };
  const tell = () => onChange(paths.flatMap(filesAt).flatMap((file) => known.get(file)?.lines ?? []));
  look();
  tell();
  let cancel = () => {};
  const again = () => {
    cancel = clock.after(LOOK_EVERY, () => {
      if (look()) tell();
      again();
    });
  };
  if (paths.length > 0) again();
  return () => cancel();
}

/** Throws what the system says. */
function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => !/^\.|~$|^#.*#$/.test(name))
    .sort()
    .map((name) => join(path, name));
}

function stampOf(file: string): string | undefined {
  try {
    const stat = statSync(file);
    const { mtimeMs, size, ino } = stat;
    return stat.isFile() && size <= MAX_BYTES ? `${ino} ${size} ${mtimeMs}` : undefined;
  } catch {
    return undefined;
  }
}
