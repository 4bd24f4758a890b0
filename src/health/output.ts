/** Consul's default for `check_output_max_size`. */
export const DEFAULT_OUTPUT_MAX_SIZE = 4096;

/** Cuts the output that a TTL check was given to `max` bytes and says so. */
export function cutOutput(output: string, max: number): string {
  const bytes = Buffer.from(output);
  if (bytes.length <= max) return output;
  return `${bytes.toString('utf8', 0, max)} ... (captured ${max} of ${bytes.length} bytes)`;
}

/** Keeps the last `max` bytes of what is written to it, whatever the length of the stream. */
export class Tail {
  /** Bytes kept at most. */
  readonly max: number;
  #chunks: Buffer[] = [];
  #kept = 0;
  /** Bytes written in all. */
  total = 0;

  constructor(max: number) {
    this.max = max;
  }

  write(chunk: Buffer): void {
    this.total += chunk.length;
    this.#chunks.push(chunk.length > this.max ? chunk.subarray(chunk.length - this.max) : chunk);
    this.#kept += Math.min(chunk.length, this.max);
    // Copies only now and then: at most twice `max` is held.
    if (this.#kept > 2 * this.max || this.#chunks.length > 64) this.#compact();
  }

  toString(): string {
    this.#compact();
    return (this.#chunks[0] ?? Buffer.alloc(0)).toString('utf8');
  }

  #compact(): void {
    const all = Buffer.concat(this.#chunks);
    const kept = all.subarray(Math.max(0, all.length - this.max));
    this.#chunks = [kept];
    this.#kept = kept.length;
  }
}

/** The end of what a program wrote, and how much there was when that is more, in Consul's words. */
export function capturedOutput(tail: Tail): string {
  const text = tail.toString();
  const kept = Math.min(tail.total, tail.max);
  return tail.total > kept ? `Captured ${kept} of ${tail.total} bytes\n...\n${text}` : text;
}
