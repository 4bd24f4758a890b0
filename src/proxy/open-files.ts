import { readFileSync } from 'node:fs';

/** Descriptors kept for what is not a client: connections to instances, the log, the catalog's files, the API. */
const MOST_RESERVED = 256;

/**
 * From which descriptor on a client is refused. The kernel hands out the lowest one that is free, so the number of a new
 * connection says how many are left, without asking anybody. Infinity where the limit is not known.
 */
export function clientCeiling(limit: number = openFilesLimit()): number {
  return limit - Math.min(MOST_RESERVED, limit >> 2);
}

/** The process's limit of open files (Linux). */
function openFilesLimit(): number {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    return line === null ? Number.POSITIVE_INFINITY : Number(line[1]);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
