/** Bytes that come in pieces, put behind each other: however small the pieces, each byte is copied a few times at most. */
export class GrowingBuffer {
  #room = Buffer.alloc(0);
  #length = 0;

  /** All that there is; valid until the next `append`. */
  get bytes(): Buffer {
    return this.#room.subarray(0, this.#length);
  }

  append(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#room.length) {
      const larger = Buffer.alloc(Math.max(512, length * 2));
      larger.set(this.bytes);
      this.#room = larger;
    }
    this.#room.set(piece, this.#length);
    this.#length = length;
  }
}
