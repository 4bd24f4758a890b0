import type { ServerResponse } from 'node:http';
import type { Live } from './live.ts';
import type { Delta } from './wire.ts';

/** A browser tab holds one. More than this is a loop somewhere, not people. */
const MAX_STREAMS = 100;

/** Bytes that may wait for a slow browser before deltas are dropped and it gets a fresh snapshot instead. */
const MAX_WAITING = 256 * 1024;

/** Shorter than the idle timeouts of common proxies in between (60 s), so that they keep the stream. */
const HEARTBEAT_EVERY = 15_000;

/** How long a browser waits before it comes back, in ms. */
const RETRY = 1000;

/**
 * The event streams of one agent: `snapshot` first, then `delta` events with only what changed. A reader that
 * cannot keep up never makes a queue grow: it skips deltas and starts over with a snapshot when it has caught up.
 */
export class Streams {
  readonly #live: Live;
  readonly #open = new Set<Stream>();
  readonly #maxWaiting: number;
  readonly #heartbeat: NodeJS.Timeout;
  #unfollow: (() => void) | undefined;

  constructor(live: Live, { maxWaiting = MAX_WAITING }: { maxWaiting?: number } = {}) {
    this.#live = live;
    this.#maxWaiting = maxWaiting;
    this.#heartbeat = setInterval(() => {
      for (const stream of this.#open) stream.beat();
    }, HEARTBEAT_EVERY);
    this.#heartbeat.unref();
  }

  get size(): number {
    return this.#open.size;
  }

  /** Takes the response over. False when there are too many streams: nothing was written then. */
  serve(response: ServerResponse): boolean {
    if (this.#open.size >= MAX_STREAMS) return false;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache, no-transform',
      // Asks nginx in front not to collect the events.
      'X-Accel-Buffering': 'no',
    });
    response.write(`retry: ${RETRY}\n\n`);
    this.#unfollow ??= this.#live.follow((delta) => this.#tell(delta));
    const stream = new Stream(response, this.#live, this.#maxWaiting);
    this.#open.add(stream);
    response.once('close', () => {
      this.#open.delete(stream);
      if (this.#open.size > 0) return;
      this.#unfollow?.();
      this.#unfollow = undefined;
    });
    return true;
  }

  /** Ends all streams; browsers come back by themselves. Idempotent. */
  stop(): void {
    clearInterval(this.#heartbeat);
    this.#unfollow?.();
    this.#unfollow = undefined;
    for (const stream of this.#open) stream.end();
    this.#open.clear();
  }

  #tell(delta: Delta): void {
    // Written once for all readers.
    const text = event('delta', delta);
    for (const stream of this.#open) stream.tell(text);
  }
}

class Stream {
  readonly #response: ServerResponse;
  readonly #live: Live;
  readonly #maxWaiting: number;
  #isBehind = false;

  constructor(response: ServerResponse, live: Live, maxWaiting: number) {
    this.#response = response;
    this.#live = live;
    this.#maxWaiting = maxWaiting;
    response.on('drain', () => {
      if (!this.#isBehind) return;
      // In this order: the deltas that the snapshot brings about are in it already.
      this.#snapshot();
      this.#isBehind = false;
    });
    this.#snapshot();
  }

  tell(text: string): void {
    // Read before the write: a snapshot larger than the bound must not count as being slow for ever.
    if (this.#response.writableLength > this.#maxWaiting) this.#isBehind = true;
    if (!this.#isBehind) this.#response.write(text);
  }

  beat(): void {
    if (!this.#isBehind) this.#response.write(': still here\n\n');
  }

  end(): void {
    this.#response.end();
  }

  #snapshot(): void {
    this.#response.write(event('snapshot', this.#live.current().snapshot(this.#live.now())));
  }
}

function event(name: string, value: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
}
