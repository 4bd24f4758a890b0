import { MAX_LABEL_BYTES, MAX_NAME_BYTES } from './numbers.ts';

/** The packet is not what RFC 1035 allows. Answered with FORMERR, never shown to a user. */
export class WireError extends Error {}

/**
 * Labels of a name as bytes on the wire, without compression. Undefined for what cannot be a name: an empty
 * label, one over 63 bytes, over 255 bytes in all.
 */
export function encodeLabels(labels: readonly string[]): Buffer | undefined {
  // Names are built by the thousand when a large service changes: one buffer, no pieces.
  const bytes = Buffer.allocUnsafe(MAX_NAME_BYTES);
  let at = 0;
  for (const label of labels) {
    const length = Buffer.byteLength(label);
    if (length === 0 || length > MAX_LABEL_BYTES || at + 1 + length >= MAX_NAME_BYTES) return undefined;
    bytes[at] = length;
    at += 1 + bytes.write(label, at + 1);
  }
  bytes[at] = 0;
  return Buffer.from(bytes.subarray(0, at + 1));
}

/** "web.service.consul" or "web.service.consul." as bytes on the wire; "" and "." are the root. */
export function encodeName(text: string): Buffer | undefined {
  return encodeLabels(labelsOf(text));
}

/** The labels of a name as people write it. A dot always separates. */
export function labelsOf(text: string): string[] {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  return bare === '' ? [] : bare.split('.');
}

/**
 * The labels of the name at `start`, following compression pointers, and where reading goes on behind it.
 * Pointers must lead backwards: that alone makes a loop impossible.
 */
export function decodeName(bytes: Uint8Array, start: number): { labels: Buffer[]; next: number } {
  const labels: Buffer[] = [];
  let at = start;
  let next = -1;
  let total = 1;
  let floor = start;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) throw new WireError('a name runs past the end');
    if (length === 0) return { labels, next: next < 0 ? at + 1 : next };
    if (length >= 0xc0) {
      const low = bytes[at + 1];
      if (low === undefined) throw new WireError('a pointer runs past the end');
      if (next < 0) next = at + 2;
      at = ((length & 0x3f) << 8) | low;
      if (at >= floor) throw new WireError('a pointer does not lead backwards');
      floor = at;
      continue;
    }
    if (length > MAX_LABEL_BYTES) throw new WireError('a label is of an unknown kind');
    total += 1 + length;
    if (total > MAX_NAME_BYTES) throw new WireError('a name is too long');
    if (at + 1 + length > bytes.length) throw new WireError('a label runs past the end');
    labels.push(Buffer.from(bytes.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
}
