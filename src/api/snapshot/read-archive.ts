import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Write } from '../../catalog/transaction.ts';
import { nextTurn } from '../../lib/in-turns.ts';
import { TarReader } from '../../lib/tar.ts';
import { RecordError, readConsulState, readOwnState } from './consul/read.ts';
import { FORMAT, LINES_FORMAT, META, STATE, SUMS } from './layout.ts';
import { RowError, rowOf } from './row-json.ts';

/** What an archive may grow to when it is unpacked: a small one must not fill the memory. */
const MAX_UNPACKED = 1024 * 1024 * 1024;

/** Says what is wrong with an archive. */
export class SnapshotError extends Error {}

/** Whose an archive is. */
export type Origin = 'Muster' | 'Consul';

export interface Snapshot {
  readonly origin: Origin;
  /** Of the program that made it; "": it does not say. */
  readonly version: string;
  readonly index: number;
  /** When it was made, ISO 8601. */
  readonly time: string;
  readonly writes: readonly Write[];
  /** Of a snapshot of Consul: what means nothing here, by what it is, in the plural. */
  readonly leftOut: Readonly<Record<string, number>>;
}

/**
 * Reads an archive of ours or of Consul. `now` in ms since the epoch. Throws `SnapshotError` unless it is whole and of a layout that
 * is known.
 */
export async function readSnapshot(archive: Buffer, now: number): Promise<Snapshot> {
  const files = await unpack(archive);
  const meta = metaOf(await checked(files, META));
  const state = await checked(files, STATE);
  if (meta.format === undefined) return ofConsul(meta, state, now);
  return {
    origin: 'Muster',
    version: String(meta.program),
    index: Number(meta.Index),
    time: String(meta.time),
    writes: await ownRows(meta.format, state, now),
    leftOut: {},
  };
}

async function ownRows(format: unknown, state: Buffer, now: number): Promise<Write[]> {
  if (format === FORMAT) return readOwnState(state, now).catch(asSnapshotError);
  if (format !== LINES_FORMAT)
    throw new SnapshotError(`the archive has format ${String(format)}, this program knows ${FORMAT}`);
  try {
    return await readLines(state);
  } catch (error) {
    if (error instanceof RowError) throw new SnapshotError(error.message, { cause: error });
    throw error;
  }
}

/** Lines read in one turn of the event loop. */
const LINES = 64;

async function readLines(state: Buffer): Promise<Write[]> {
  const writes: Write[] = [];
  for (let at = 0, count = 1; at < state.length; count++) {
    const found = state.indexOf('\n', at);
    const end = found < 0 ? state.length : found;
    if (end > at) writes.push(rowOf(state.toString('utf8', at, end)));
    at = end + 1;
    if (count % LINES === 0) await nextTurn();
  }
  return writes;
}

/** What an archive says of itself, and how many rows of each table it has. */
export interface SnapshotContents extends Omit<Snapshot, 'writes'> {
  readonly tables: Readonly<Record<string, number>>;
}

/** Throws `SnapshotError` as `readSnapshot`. */
export async function inspectSnapshot(archive: Buffer): Promise<SnapshotContents> {
  const { writes, ...about } = await readSnapshot(archive, 0);
  return { ...about, tables: countedByTable(writes) };
}

export function countedByTable(writes: readonly Write[]): Record<string, number> {
  const tables: Record<string, number> = {};
  for (const { table } of writes) tables[table] = (tables[table] ?? 0) + 1;
  return tables;
}

/** Of Consul's ID of a snapshot: term, index, and ms since the epoch. */
const CONSUL_ID = /^\d+-\d+-(\d{1,15})$/;

async function ofConsul(meta: Record<string, unknown>, state: Buffer, now: number): Promise<Snapshot> {
  const made = CONSUL_ID.exec(String(meta.ID))?.[1];
  // 0 of servers that speak the older protocol among themselves.
  if (made === undefined || (meta.Version !== 0 && meta.Version !== 1))
    throw new SnapshotError('the archive is neither a snapshot of this program nor one of Consul');
  const { writes, leftOut } = await readConsulState(state, now).catch(asSnapshotError);
  const time = new Date(Number(made)).toISOString();
  return { origin: 'Consul', version: '', index: Number(meta.Index), time, writes, leftOut };
}

function asSnapshotError(cause: unknown): never {
  if (cause instanceof RecordError) throw new SnapshotError(cause.message, { cause });
  throw cause;
}

/** Bytes that are unpacked or summed in one turn of the event loop. */
const PIECE = 64 * 1024;

async function unpack(archive: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  const tar = new TarReader(MAX_UNPACKED);
  let size = 0;
  const take = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      size += chunk.length;
      if (size > MAX_UNPACKED) throw new Error(`it has more than ${MAX_UNPACKED} bytes`);
      tar.write(chunk);
    }
  };
  await pipeline(piecesOf(archive), createGunzip({ chunkSize: PIECE }), take).catch((cause: Error) => {
    throw new SnapshotError(`failed to decompress snapshot: ${cause.message}`, { cause });
  });
  const files = tar.files();
  if (files === undefined) throw new SnapshotError('the archive is damaged');
  return files;
}

function* piecesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

function metaOf(content: Buffer): Record<string, unknown> {
  const meta: unknown = JSON.parse(content.toString());
  if (typeof meta !== 'object' || meta === null) throw new SnapshotError(`${META} is no object`);
  return meta as Record<string, unknown>;
}

/** A file of the archive, once its check sum is right. */
async function checked(files: ReadonlyMap<string, Buffer>, name: string): Promise<Buffer> {
  const content = files.get(name);
  const sums = files.get(SUMS)?.toString() ?? '';
  if (content === undefined)
    throw new SnapshotError(`the archive has no ${name}: it is no snapshot of this program`);
  if (!sums.split('\n').includes(`${await sha256(content)}  ${name}`))
    throw new SnapshotError(`the check sum of ${name} is wrong`);
  return content;
}

async function sha256(content: Buffer): Promise<string> {
  const hash = createHash('sha256');
  for (const piece of piecesOf(content)) {
    hash.update(piece);
    await nextTurn();
  }
  return hash.digest('hex');
}
