/**
 * Who may have which descriptors. The kernel hands out the lowest one that is free, so the number of a new one says how many are left,
 * without asking anybody, in every thread.
 */
import { readFileSync } from 'node:fs';

/** Descriptors kept for what is not a client: connections to instances, the log, the catalog's files, the API. */
const MOST_RESERVED = 256;
/** The limit is read again (it may be changed from outside) when somebody is refused by it, at most so often (ms). */
const LOOK = 1_000;

/** From which descriptor on a client is refused. Infinity where the limit is not known. */
export function clientCeiling(limit: number = openFilesLimit()): number {
  return limit - reserved(limit);
}

/**
 * From which descriptor on a connection to an instance is given up. What is left then is for the log, the catalog's files, the API, and
 * for newcomers: they have to be let in to be refused.
 */
export function instanceCeiling(limit: number): number {
  return limit - (reserved(limit) >> 2);
}

function reserved(limit: number): number {
  return Math.min(MOST_RESERVED, limit >> 2);
}

export class OpenFiles {
  #limit: number;
  #lookedAt: number;

  constructor() {
    this.#limit = openFilesLimit();
    this.#lookedAt = performance.now();
  }

  /** Whether a client may have this one. */
  areLeftForClients(descriptor: number): boolean {
    return this.#allows(descriptor, clientCeiling);
  }

  /** Whether a connection to an instance may have this one. */
  areLeftForInstances(descriptor: number): boolean {
    return this.#allows(descriptor, instanceCeiling);
  }

  #allows(descriptor: number, ceiling: (limit: number) => number): boolean {
    return descriptor < ceiling(this.#limit) || (this.#look() && descriptor < ceiling(this.#limit));
  }

  /** True when the limit is another now. */
  #look(): boolean {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK) return false;
    this.#lookedAt = now;
    const known = this.#limit;
    this.#limit = openFilesLimit(known);
    return this.#limit !== known;
  }
}

/** Of this thread. */
export const openFiles = new OpenFiles();

/** The process's limit of open files (Linux). `otherwise`: when that cannot be read, which takes a descriptor too. */
function openFilesLimit(otherwise = Number.POSITIVE_INFINITY): number {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    return line === null ? otherwise : Number(line[1]);
  } catch {
    return otherwise;
  }
}
