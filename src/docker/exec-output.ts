/** Bytes in front of each piece of output: the stream, three zeros, the length. */
const HEADER = 8;

/** A piece of a message; `isFirst` where the message begins. 1 is standard output, 2 standard error. */
export type TakePiece = (output: Buffer, stream: number, isFirst: boolean) => void;

/**
 * Takes the stream of an exec, or of a container's logs, apart: hands on the output of both streams without the headers
 * between. Holds back nothing but pieces of headers.
 */
export function demultiplexer(write: TakePiece): (chunk: Buffer) => void {
  const header = Buffer.alloc(HEADER);
  let have = 0;
  let left = 0;
  let isFirst = true;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (left === 0) {
        const part = chunk.subarray(at, at + HEADER - have);
        part.copy(header, have);
        have += part.length;
        at += part.length;
        if (have < HEADER) return;
        left = header.readUInt32BE(4);
        have = 0;
        isFirst = true;
        continue;
      }
      const output = chunk.subarray(at, at + left);
      write(output, header[0] as number, isFirst);
      isFirst = false;
      at += output.length;
      left -= output.length;
    }
  };
}
