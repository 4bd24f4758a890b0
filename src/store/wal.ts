import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  write,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { MusterError } from '../errors.ts';
import { koffiHere } from '../lib/koffi.ts';

/**
 * Bytes that a file of the log has from the start. They are written once: a record that lies in them changes nothing but
 * their content, so that the file system has no journal of its own to write, which took ten times as long.
 */
export const LOG_BYTES = 2 * 1024 * 1024;

/** An empty image, with room behind the file, for the record that fills it. Making the image larger would copy all of it. */
const imageOf = (bytes: number): Buffer => blocksOf(bytes + bytes / 4);

/** What goes past the system's cache of files begins and ends at multiples of this, in the file and in memory. */
const BLOCK = 4_096;
/** Length of what follows, checksum of all that follows, sequence number (64 bits, little-endian all of them). */
const HEADER_BYTES = 16;
const FILES = ['log-0', 'log-1'] as const;
/** Where a write with this flag returns, its bytes are on the disk. */
const WRITES_THROUGH = process.platform === 'linux';

interface LogFile extends Opened {
  /** Behind its last record. */
  end: number;
  /** Number of its last record. */
  last: number;
  /** What was written to it, as it lies there: a record is put together here, and read again when the data file takes it over. */
  image: Buffer;
}

interface Opened {
  readonly fd: number;
  /** `BLOCK` where it is written past the cache, which saves the copy and what is kept of it there; else 1. */
  readonly unit: number;
}

/** A record that was found at the start. */
export interface LogRecord {
  readonly sequence: number;
  readonly payload: Buffer;
}

/**
 * A write-ahead log in two files: one takes the records, the other is free or holds those that are being taken over into the data
 * file. Records are numbered without gaps; in a file that is used again those of before are told by their lower numbers.
 */
export class WriteAheadLog {
  readonly #files: readonly [LogFile, LogFile];
  readonly #bytes: number;
  #current: 0 | 1 = 0;
  #sequence: number;

  private constructor(files: readonly [LogFile, LogFile], bytes: number, sequence: number) {
    this.#files = files;
    this.#bytes = bytes;
    this.#sequence = sequence;
  }

  /**
   * Opens the log in a directory, whose data file has all records up to number `applied`. Answers those beyond, in order, with
   * it. Throws `store.unusable` when some are missing in between, and what the file system throws.
   */
  static open(
    directory: string,
    applied: number,
    bytes = LOG_BYTES,
  ): { log: WriteAheadLog; records: LogRecord[] } {
    const files: LogFile[] = [];
    const runs: LogRecord[][] = [];
    for (const name of FILES) {
      const path = join(directory, name);
      makeFile(path, bytes);
      runs.push(recordsOf(readFileSync(path)));
      files.push({ ...openFile(path), end: 0, last: 0, image: imageOf(bytes) });
    }
    const records: LogRecord[] = [];
    for (const run of runs.sort((a, b) => (a[0]?.sequence ?? 0) - (b[0]?.sequence ?? 0)))
      for (const record of run) {
        if (record.sequence <= applied + records.length) continue;
        if (record.sequence > applied + records.length + 1)
          throw new MusterError(
            'store.unusable',
            `the log in ${directory} goes on after what its data file knows: they are from different times. Put both back from one copy, or remove ${FILES.join(' and ')} to go on with what the data file has`,
          );
        records.push(record);
      }
    const log = new WriteAheadLog(files as [LogFile, LogFile], bytes, applied + records.length);
    return { log, records };
  }

  /** Number of the last record that is on the disk. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Whether the current file has had its share. */
  get isFull(): boolean {
    return this.#file.end >= this.#bytes;
  }

  /** Whether it has nothing since it turned last. */
  get isEmpty(): boolean {
    return this.#file.end === 0;
  }

  /** Number of the last record in the file that it turned away from; undefined once that was released. */
  get turnedAt(): number | undefined {
    return this.#other.end === 0 ? undefined : this.#other.last;
  }

  /**
   * Resolves when the record would survive a crash of the machine. After a failure the next one takes its place; whether the
   * failed one comes back after a crash cannot be said then. One at a time.
   */
  async append(size: number, fill: (payload: Buffer) => void): Promise<void> {
    const file = this.#file;
    const { end: begin } = file;
    const end = begin + HEADER_BYTES + size;
    const room = Math.ceil(end / BLOCK) * BLOCK;
    if (file.image.length < room) {
      const larger = blocksOf(room);
      file.image.copy(larger, 0, 0, begin);
      file.image = larger;
    }
    const { image } = file;
    fill(image.subarray(begin + HEADER_BYTES, end));
    image.writeUInt32LE(size, begin);
    image.writeBigUInt64LE(BigInt(this.#sequence + 1), begin + 8);
    image.writeUInt32LE(crc32(image.subarray(begin + 8, end)), begin + 4);
    await writeThrough(file, begin, end);
    file.end = end;
    file.last = ++this.#sequence;
  }

  /** Goes on in the other file, whose records nobody needs any more. */
  turn(): void {
    this.release();
    this.#current = this.#current === 0 ? 1 : 0;
  }

  /** Nobody needs any more what it turned away from. */
  release(): void {
    const file = this.#other;
    // It had a record of unusual size.
    if (file.end > 2 * this.#bytes) ftruncateSync(file.fd, this.#bytes);
    if (file.image.length > 2 * this.#bytes) file.image = imageOf(this.#bytes);
    file.end = 0;
  }

  /** What was appended and not released yet, in order; `turned`: only what it turned away from, which stays as it is until it is released; the rest is to be read in one go. */
  *payloads({ turned = false } = {}): Generator<Buffer> {
    yield* payloadsOf(this.#other);
    if (!turned) yield* payloadsOf(this.#file);
  }

  close(): void {
    for (const { fd } of this.#files) closeSync(fd);
  }

  get #file(): LogFile {
    return this.#files[this.#current];
  }

  get #other(): LogFile {
    return this.#files[1 - this.#current] as LogFile;
  }
}

function* payloadsOf({ image, end }: LogFile): Generator<Buffer> {
  for (let at = 0; at < end; ) {
    const begin = at + HEADER_BYTES;
    at = begin + image.readUInt32LE(at);
    yield image.subarray(begin, at);
  }
}

function openFile(path: string): Opened {
  const flags = constants.O_RDWR | (WRITES_THROUGH ? constants.O_DSYNC : 0);
  if (WRITES_THROUGH && koffiHere() !== undefined) {
    let fd: number | undefined;
    try {
      fd = openSync(path, flags | constants.O_DIRECT);
      readSync(fd, blocksOf(BLOCK), 0, BLOCK, 0);
      return { fd, unit: BLOCK };
    } catch {
      // Not every file system knows this way, or blocks of this size; who may not write at all hears it below.
      if (fd !== undefined) closeSync(fd);
    }
  }
  return { fd: openSync(path, flags), unit: 1 };
}

function makeFile(path: string, bytes: number): void {
  if (existsSync(path)) return;
  const plain = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  writeSync(plain, Buffer.alloc(bytes));
  fsyncSync(plain);
  closeSync(plain);
  const directory = openSync(dirname(path), 'r');
  fsyncSync(directory);
  closeSync(directory);
}

/** Memory that begins at a block, where it can be told where it lies. */
function blocksOf(bytes: number): Buffer {
  const memory = Buffer.alloc(bytes + BLOCK);
  const address = Number(koffiHere()?.address(memory) ?? 0);
  const begin = Math.ceil(address / BLOCK) * BLOCK - address;
  return memory.subarray(begin, begin + bytes);
}

/** The records from the beginning up to the first that is none, or does not follow the one before. */
export function recordsOf(bytes: Buffer): LogRecord[] {
  const records: LogRecord[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const size = bytes.readUInt32LE(at);
    const end = at + HEADER_BYTES + size;
    if (end > bytes.length || bytes.readUInt32LE(at + 4) !== crc32(bytes.subarray(at + 8, end))) break;
    const sequence = Number(bytes.readBigUInt64LE(at + 8));
    const last = records[records.length - 1];
    if (sequence === 0 || (last !== undefined && sequence !== last.sequence + 1)) break;
    records.push({ sequence, payload: bytes.subarray(at + HEADER_BYTES, end) });
    at = end;
  }
  return records;
}

/** In a thread of the pool, and synced there: one way there and back. What lies around the bytes in their blocks is written again. */
async function writeThrough({ fd, unit, image }: LogFile, begin: number, end: number): Promise<void> {
  const to = Math.ceil(end / unit) * unit;
  for (let at = begin; at < end; ) {
    const from = Math.floor(at / unit) * unit;
    at =
      from +
      (await new Promise<number>((resolve, reject) =>
        write(fd, image, from, to - from, from, (error, count) =>
          error === null ? resolve(count) : reject(error),
        ),
      ));
  }
  if (!WRITES_THROUGH)
    await new Promise<void>((resolve, reject) =>
      fdatasync(fd, (error) => (error === null ? resolve() : reject(error))),
    );
}
