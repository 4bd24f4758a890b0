import type { ServerResponse } from 'node:http';
import { nextTurn } from '../../lib/in-turns.ts';
import { jsonPieces } from '../json/pieces.ts';
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
    const text = `event: delta\ndata: ${JSON.stringify(delta)}\n\n`;
    for (const stream of this.#open) stream.tell(text);
  }
}

class Stream {
  readonly #response: ServerResponse;
  readonly #live: Live;
  readonly #maxWaiting: number;
  /** Deltas were dropped: a snapshot has to make up for them. */
  #isBehind = false;
  /** Deltas from behind the snapshot that is being written; undefined while none is. */
  #early: string[] | undefined;
  #earlySize = 0;

  constructor(response: ServerResponse, live: Live, maxWaiting: number) {
    this.#response = response;
    this.#live = live;
    this.#maxWaiting = maxWaiting;
    response.on('drain', () => {
      if (this.#isBehind && this.#early === undefined) void this.#snapshot();
    });
    void this.#snapshot();
  }

  tell(text: string): void {
    if (this.#isBehind) return;
    if (this.#early !== undefined) {
      this.#early.push(text);
      this.#earlySize += text.length;
      this.#isBehind = this.#earlySize > this.#maxWaiting;
    } else if (this.#response.writableLength > this.#maxWaiting) this.#isBehind = true;
    else this.#response.write(text);
  }

  beat(): void {
    if (!this.#isBehind && this.#early === undefined) this.#response.write(': still here\n\n');
  }

  end(): void {
    this.#response.end();
  }

  /**
   * Of a large catalog it is tens of megabytes: written piece by piece as the browser takes them, with turns of the event loop in
   * between. Items of the picture never change, so that it is one state all the same.
   */
  async #snapshot(): Promise<void> {
    const response = this.#response;
    do {
      // In this order: the deltas that the snapshot brings about are in it already.
      const snapshot = this.#live.current().snapshot(this.#live.now());
      this.#isBehind = false;
      this.#early = [];
      this.#earlySize = 0;
      response.write('event: snapshot\ndata: ');
      for (const piece of jsonPieces(snapshot)) {
        if (!response.write(piece)) await drained(response);
        // What the system takes at once is drained within the same turn.
        await nextTurn();
        if (!isOpen(response)) return;
      }
      response.write('\n\n');
    } while (this.#isBehind);
    const early = this.#early;
    this.#early = undefined;
    for (const text of early) response.write(text);
  }
}

function isOpen(response: ServerResponse): boolean {
  return !response.writableEnded && !response.destroyed;
}

/** Resolves when the response takes more, or never will. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      response.off('drain', end).off('close', end);
      resolve();
    };
    response.once('drain', end).once('close', end);
  });
}
