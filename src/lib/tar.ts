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
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
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
  const files = new Map<string, Buffer>();
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const block = archive.subarray(at, at + BLOCK);
    if (block.every((byte) => byte === 0)) return files;
    if (Number.parseInt(text(block, 148, 8), 8) !== checksum(block)) return undefined;
    const size = Number.parseInt(text(block, 124, 12), 8);
    const begin = at + BLOCK;
    if (!(size >= 0) || begin + size > archive.length) return undefined;
    const type = text(block, 156, 1);
    if (type === '0' || type === '') files.set(text(block, 0, 100), archive.subarray(begin, begin + size));
    at = begin + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}

function text(block: Buffer, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return field
    .subarray(0, end < 0 ? length : end)
    .toString()
    .trim();
}
