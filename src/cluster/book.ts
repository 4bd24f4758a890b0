import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileTrouble } from '../errors.ts';
import type { Logger } from '../lib/log.ts';
import { writeWhole } from '../lib/write-whole.ts';

/** Where a server is, as it says itself. */
export interface Entry {
  /** UUID of the node. */
  readonly id: string;
  readonly name: string;
  readonly host: string;
  /** Of its links. */
  readonly port: number;
  readonly version: string;
  /** Of several entries of a node the one with the highest counts. */
  readonly sequence: number;
  /** It left, or was removed: nobody looks for it any more, until it comes back by itself. */
  readonly gone?: boolean;
}

/**
 * The servers that this node has heard of, and where each was last. Spread on every contact and kept on disk, so
 * that nodes find each other again whatever became of the addresses they were told at first.
 */
export class Book {
  readonly #file: string | undefined;
  readonly #logger: Logger;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(entry: Entry) => void>();
  #self: Entry;

  constructor(self: Omit<Entry, 'sequence'>, directory: string | undefined, logger: Logger) {
    this.#file = directory === undefined ? undefined : path.join(directory, 'servers.json');
    this.#logger = logger;
    for (const entry of this.#read()) this.#entries.set(entry.id, entry);
    const before = this.#entries.get(self.id)?.sequence ?? 0;
    // A clock that is set back must not make a new address the older one.
    this.#self = { ...self, sequence: Math.max(before + 1, Date.now()) };
    this.#entries.delete(self.id);
  }

  get self(): Entry {
    return this.#self;
  }

  /** All others that are not gone. */
  others(): Entry[] {
    return [...this.#entries.values()].filter(({ gone }) => !gone);
  }

  /** What is told to others: all that is known, also of those who are gone. */
  all(): Entry[] {
    return [this.#self, ...this.#entries.values()];
  }

  get(id: string): Entry | undefined {
    return id === this.#self.id ? this.#self : this.#entries.get(id);
  }

  byName(name: string): Entry | undefined {
    return [this.#self, ...this.others()].find((entry) => entry.name.toLowerCase() === name.toLowerCase());
  }

  /** Takes over what is newer. */
  merge(entries: readonly Entry[]): void {
    let changed = false;
    for (const entry of entries) {
      if (entry.id === this.#self.id) {
        // Somebody knows an entry of ours from a time that our clock has not reached.
        if (entry.sequence > this.#self.sequence)
          this.#self = { ...this.#self, sequence: entry.sequence + 1 };
        continue;
      }
      const known = this.#entries.get(entry.id);
      if (known !== undefined && known.sequence >= entry.sequence) continue;
      this.#entries.set(entry.id, entry);
      changed = true;
      for (const tell of this.#listeners) tell(entry);
    }
    if (changed) this.#write();
  }

  /** From now on nobody looks for this one. */
  remove(id: string): void {
    const known = this.#entries.get(id);
    if (known !== undefined && !known.gone)
      this.merge([{ ...known, gone: true, sequence: known.sequence + 1 }]);
  }

  /** Called with each entry that is new or another. */
  onChange(listener: (entry: Entry) => void): void {
    this.#listeners.add(listener);
  }

  #read(): Entry[] {
    if (this.#file === undefined) return [];
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as Entry[];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#logger.warn(`${this.#file} cannot be read and is begun anew: ${fileTrouble(error)}`);
      return [];
    }
  }

  #write(): void {
    if (this.#file === undefined) return;
    try {
      writeWhole(this.#file, JSON.stringify(this.all(), undefined, 1));
    } catch (error) {
      this.#logger.warn(`cannot keep the servers' addresses in ${this.#file}: ${fileTrouble(error)}`);
    }
  }
}
