/** Archives in the ustar format, as far as a few plain files need it. */
export interface TarFile {
  readonly name: string;
  readonly content: Buffer;
}

const BLOCK = 512;

/** Writes `files` as one archive. Names up to 100 bytes. `time` in seconds since the epoch. */
export function writeTar(files: readonly TarFile[], time: number): Buffer {
  const blocks = files.flatMap(({ name, content }) => [
    tarHeader(name, content.length, time),
    content,
    tarPadding(content.length),
  ]);
  return Buffer.concat([...blocks, TAR_END]);
}

/** What stands behind the last file. */
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK);

/** What stands behind `size` bytes of a file. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc(blocksOf(size) - size);
}

/** What stands in front of a file of `size` bytes. Names up to 100 bytes. `time` in seconds since the epoch. */
export function tarHeader(name: string, size: number, time: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new RangeError(`the name ${name} is too long for an archive`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  block.write(name, 0);
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(Math.floor(time), 136, 12);
  block.write('        0', 148, 'latin1');
  block.write('ustar\u000000', 257, 'latin1');
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** The sum of the bytes of a header, with spaces where the sum itself stands. */
function checksum(block: Buffer): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : (block[i] as number);
  return sum;
}

/** The plain files of an archive by name, or undefined when it is none or is cut off. */
export function readTar(archive: Buffer): Map<string, Buffer> | undefined {
  const reader = new TarReader(archive.length);
  reader.write(archive);
  return reader.files();
}

/** The same for an archive that comes piece by piece. */
export class TarReader {
  readonly #files = new Map<string, Buffer>();
  readonly #block = Buffer.alloc(BLOCK);
  /** Bytes of `#block` that are there. */
  #filled = 0;
  /** What the content is copied to that comes now; undefined: it is passed over. */
  #content: Buffer | undefined;
  #size = 0;
  /** Bytes of content, and of what fills its last block, that are still to come. */
  #left = 0;
  #room: number;
  #end: 'whole' | 'damaged' | undefined;

  /** Bytes in all files at most. */
  constructor(room: number) {
    this.#room = room;
  }

  write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && this.#end === undefined; )
      at += this.#left > 0 ? this.#takeContent(bytes, at) : this.#takeHeader(bytes, at);
  }

  /** What there was, or undefined when it is no archive or was cut off. */
  files(): Map<string, Buffer> | undefined {
    return this.#end === 'whole' ? this.#files : undefined;
  }

  #takeContent(bytes: Buffer, at: number): number {
    const count = Math.min(this.#left, bytes.length - at);
    const begin = blocksOf(this.#size) - this.#left;
    if (begin < this.#size)
      this.#content?.set(bytes.subarray(at, at + Math.min(count, this.#size - begin)), begin);
    this.#left -= count;
    return count;
  }

  #takeHeader(bytes: Buffer, at: number): number {
    const count = bytes.copy(this.#block, this.#filled, at, at + BLOCK - this.#filled);
    this.#filled += count;
    if (this.#filled === BLOCK) this.#begin();
    return count;
  }

  #begin(): void {
    const block = this.#block;
    this.#filled = 0;
    const size = Number.parseInt(text(block, 124, 12), 8);
    if (block.every((byte) => byte === 0)) this.#end = 'whole';
    else if (
      Number.parseInt(text(block, 148, 8), 8) !== checksum(block) ||
      !(size >= 0 && size <= this.#room)
    )
      this.#end = 'damaged';
    else {
      const type = text(block, 156, 1);
      this.#content = type === '0' || type === '' ? Buffer.allocUnsafe(size) : undefined;
      if (this.#content !== undefined) this.#files.set(text(block, 0, 100), this.#content);
      this.#room -= size;
      this.#size = size;
      this.#left = blocksOf(size);
    }
  }
}

/** What a file takes with what fills its last block. */
function blocksOf(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

function text(block: Buffer, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return field
    .subarray(0, end < 0 ? length : end)
    .toString()
    .trim();
}
