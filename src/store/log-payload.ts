/**
 * A write as the log has it: for each row the bytes of its place, those of its text (or `GONE`), then both in UTF-8.
 */
const HEAD_BYTES = 8;
/** In the place of the size of a text: the row is removed. */
const GONE = 0xffffffff;

/** Rows by place; undefined: removed. */
export type RowTexts = Iterable<readonly [place: string, text: string | undefined]>;

export function payloadSize(rows: RowTexts): number {
  let size = 0;
  for (const [place, text] of rows)
    size += HEAD_BYTES + Buffer.byteLength(place) + (text === undefined ? 0 : Buffer.byteLength(text));
  return size;
}

/** `payload` has the size of the rows. */
export function writePayload(rows: RowTexts, payload: Buffer): void {
  let at = 0;
  for (const [place, text] of rows) {
    const placeBytes = payload.write(place, at + HEAD_BYTES);
    const textBytes = text === undefined ? 0 : payload.write(text, at + HEAD_BYTES + placeBytes);
    payload.writeUInt32LE(placeBytes, at);
    payload.writeUInt32LE(text === undefined ? GONE : textBytes, at + 4);
    at += HEAD_BYTES + placeBytes + textBytes;
  }
}

export function* readPayload(payload: Buffer): Generator<readonly [place: string, text: string | undefined]> {
  for (const [place, text] of rowBytes(payload)) yield [place.toString(), text?.toString()];
}

/** The same as they lie there. */
export function* rowBytes(payload: Buffer): Generator<readonly [place: Buffer, text: Buffer | undefined]> {
  for (let at = 0; at < payload.length; ) {
    const placeBytes = payload.readUInt32LE(at);
    const textBytes = payload.readUInt32LE(at + 4);
    const text = at + HEAD_BYTES + placeBytes;
    at = textBytes === GONE ? text : text + textBytes;
    yield [
      payload.subarray(text - placeBytes, text),
      textBytes === GONE ? undefined : payload.subarray(text, at),
    ];
  }
}
