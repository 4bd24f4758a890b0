/** The Huffman code of HPACK (RFC 7541 §5.2 and appendix B). Hot path: tables of numbers, made once. */

/**
 * Bits of each symbol's code, by symbol; the last one is the end of the string. They say everything: the code is canonical, so codes of one
 * length follow each other in the order of their symbols.
 */
const LENGTHS: readonly number[] = `
  13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
  6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10
  13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6
  15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28
  20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
  22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
  26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
  20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26
  30`
  .trim()
  .split(/\s+/)
  .map(Number);
const END_OF_STRING = 256;

const CODES = codes();

function codes(): Uint32Array {
  const found = new Uint32Array(LENGTHS.length);
  const symbols = LENGTHS.map((_, symbol) => symbol).sort((a, b) => LENGTHS[a]! - LENGTHS[b]! || a - b);
  let code = 0;
  let length = LENGTHS[symbols[0]!]!;
  for (const symbol of symbols) {
    // Not with <<, which would make it negative.
    code *= 2 ** (LENGTHS[symbol]! - length);
    length = LENGTHS[symbol]!;
    found[symbol] = code++;
  }
  return found;
}

/** No code begins like that, or it is that of the end, which nobody may send. */
const NONE = -1;
/** An entry that is a symbol: its bits of this step above it. */
const SYMBOL = 1 << 16;

/** A tree of steps of eight bits: node n has the entries [256 n, 256 n + 256). An entry is NONE, a symbol with its remaining bits, or another node. */
const TREE = tree();

function tree(): Int32Array {
  const nodes: number[][] = [new Array<number>(256).fill(NONE)];
  for (let symbol = 0; symbol < END_OF_STRING; symbol++) {
    let node = 0;
    let left = LENGTHS[symbol]!;
    const code = CODES[symbol]!;
    for (; left > 8; left -= 8) {
      const step = (code >>> (left - 8)) & 0xff;
      if (nodes[node]![step] === NONE) nodes[node]![step] = nodes.push(new Array<number>(256).fill(NONE)) - 1;
      node = nodes[node]![step]!;
    }
    const first = (code << (8 - left)) & 0xff;
    const entry = SYMBOL | (left << 8) | symbol;
    nodes[node]!.fill(entry, first, first + 2 ** (8 - left));
  }
  return Int32Array.from(nodes.flat());
}

/**
 * Decodes [from, to) of `bytes` to `out` at `at`, where there has to be room for eight fifths of it. The answer is where it ends, or -1: it
 * is no such code.
 */
export function decodeHuffman(
  bytes: Uint8Array,
  from: number,
  to: number,
  out: Uint8Array,
  at: number,
): number {
  let bits = 0;
  let have = 0;
  let node = 0;
  /** Bits since the last symbol. */
  let open = 0;
  let end = at;
  for (let p = from; p < to; p++) {
    bits = ((bits << 8) | bytes[p]!) & 0xffff;
    have += 8;
    open += 8;
    while (have >= 8) {
      const entry = TREE[(node << 8) | ((bits >>> (have - 8)) & 0xff)]!;
      if (entry === NONE) return -1;
      if (entry < SYMBOL) {
        node = entry;
        have -= 8;
        continue;
      }
      out[end++] = entry & 0xff;
      have -= (entry >> 8) & 0xff;
      open = have;
      node = 0;
    }
  }
  while (have > 0) {
    const entry = TREE[(node << 8) | ((bits << (8 - have)) & 0xff)]!;
    if (entry < SYMBOL) break;
    const used = (entry >> 8) & 0xff;
    if (used > have) break;
    out[end++] = entry & 0xff;
    have -= used;
    open = have;
    node = 0;
  }
  // What is left is padding: the first bits of the end's code, all ones, and less than a byte of them.
  const ones = (1 << have) - 1;
  return open > 7 || (bits & ones) !== ones ? -1 : end;
}

/** How long [from, to) becomes. */
export function huffmanLength(bytes: Uint8Array, from: number, to: number): number {
  let bits = 0;
  for (let p = from; p < to; p++) bits += LENGTHS[bytes[p]!]!;
  return (bits + 7) >> 3;
}

/** Encodes [from, to) to `out` at `at`. The answer is where it ends. */
export function encodeHuffman(
  bytes: Uint8Array,
  from: number,
  to: number,
  out: Uint8Array,
  at: number,
): number {
  let end = at;
  /** Up to seven bits that are no whole byte yet. */
  let bits = 0;
  let have = 0;
  for (let p = from; p < to; p++) {
    const symbol = bytes[p]!;
    const code = CODES[symbol]!;
    let left = LENGTHS[symbol]!;
    while (left > 0) {
      const take = Math.min(8 - have, left);
      left -= take;
      bits = (bits << take) | ((code >>> left) & ((1 << take) - 1));
      have += take;
      if (have < 8) continue;
      out[end++] = bits;
      bits = have = 0;
    }
  }
  if (have > 0) out[end++] = (bits << (8 - have)) | ((1 << (8 - have)) - 1);
  return end;
}
