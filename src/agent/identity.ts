import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { fileTrouble, MusterError } from '../errors.ts';
import { isAny } from '../lib/ip.ts';
import { ownAddress } from '../lib/own-address.ts';
import { writeWhole } from '../lib/write-whole.ts';

const FILE = 'node-id';
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * The identity of this node: what the configuration says, else what the data directory kept, else a new UUID, which
 * is then kept. A node is its UUID, not its address, so that it stays the same wherever it comes back.
 */
export function nodeId(configured: string | undefined, dataDirectory: string | undefined): string {
  if (configured !== undefined) return configured.toLowerCase();
  if (dataDirectory === undefined) return randomUUID();
  const file = path.join(dataDirectory, FILE);
  try {
    const kept = readFileSync(file, 'utf8').trim();
    if (UUID.test(kept)) return kept.toLowerCase();
    throw new MusterError(
      'store.unusable',
      `${file} should hold a UUID and nothing else: restore it, or remove it to make this a new node`,
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw asUnusable(file, error);
  }
  const id = randomUUID();
  try {
    writeWhole(file, `${id}\n`);
  } catch (error) {
    throw asUnusable(file, error);
  }
  return id;
}

function asUnusable(file: string, cause: unknown): unknown {
  if (cause instanceof MusterError) return cause;
  return new MusterError(
    'store.unusable',
    `cannot keep this node's identity in ${file}: ${fileTrouble(cause)}. Give a directory that can be written with -data-dir, or use -dev to keep everything in memory.`,
    { cause },
  );
}

/** The address others are told: `advertise`, else `bind`, else (when that is any address) the machine's own. */
export function advertiseAddress(
  advertise: string | undefined,
  bind: string,
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): string {
  if (advertise !== undefined) return advertise;
  return bind === '' || isAny(bind) ? ownAddress(interfaces) : bind;
}
