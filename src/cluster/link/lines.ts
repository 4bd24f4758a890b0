/**
 * Lines over a link, for as long as both sides want: one that says what is asked for, then those that answer it. The one who asked sends a
 * line feed now and then to show that it is there, with a number before it if it has one to tell, and gets one back. What is not taken as fast as
 * it comes waits in TCP.
 */
import type { TLSSocket } from 'node:tls';
import type { HostPort } from '../../lib/host-port.ts';
import { fromText, toText } from '../../store/row-text.ts';
import type { Keyring } from './keyring.ts';
import { dialLink } from './link.ts';

const LINE_FEED = 10;
const ZERO = 48;
/** A sign of life, and the answer to it. */
const SIGN = Buffer.from([LINE_FEED]);
/** What is asked for, in bytes, and how long it may take to say it, in ms. It has the key: when thousands come at once neither side is quick. */
const MAX_REQUEST = 4_096;
const REQUEST_TIMEOUT = 30_000;

/** Lines to the one who asked. */
export interface Outlet {
  /** A line, with the line feed behind it, or several. */
  write(lines: Buffer): void;
  /** Bytes that wait to be sent: what is not taken as fast as it comes. */
  readonly backlog: number;
  /** Grows with everything that comes, signs of life included. */
  readonly received: number;
  /** Called with each number that comes with a sign of life. */
  onNumber(task: (number: number) => void): void;
  /** Ends the link at once. */
  close(): void;
  /** Called once when the other side or the link is gone. */
  onClose(task: () => void): void;
}

/** Reads what is asked for over `link` and has `handle` answer it. The link of a request that cannot be read is ended, and `onError` told. */
export function serveLines(
  link: TLSSocket,
  handle: (request: never, outlet: Outlet) => void,
  onError: (error: unknown) => void,
): void {
  let parts: Buffer[] = [];
  let size = 0;
  const read = (chunk: Buffer) => {
    const end = chunk.indexOf(LINE_FEED);
    parts.push(end < 0 ? chunk : chunk.subarray(0, end));
    size += end < 0 ? chunk.length : end;
    if (size > MAX_REQUEST) return void link.destroy();
    if (end < 0) return;
    link.off('data', read);
    link.setTimeout(0);
    try {
      handle(fromText<never>(Buffer.concat(parts).toString()), new LinkOutlet(link));
    } catch (error) {
      onError(error);
      link.destroy();
    }
    parts = [];
  };
  link.on('data', read);
  link.setTimeout(REQUEST_TIMEOUT, () => link.destroy());
}

/** One for each of thousands of followers: a counter and some digits are all that a sign of life costs beside its answer. */
class LinkOutlet implements Outlet {
  readonly #link: TLSSocket;
  #told: ((number: number) => void) | undefined;
  received = 0;

  constructor(link: TLSSocket) {
    this.#link = link;
    link.on('data', (chunk: Buffer) => {
      this.received++;
      const number = this.#told && lastNumber(chunk);
      if (number !== undefined) this.#told?.(number);
      // What is on its way already is an answer.
      if (link.writableLength === 0) this.write(SIGN);
    });
  }

  get backlog(): number {
    return this.#link.writableLength;
  }

  write(lines: Buffer): void {
    if (this.#link.writable) this.#link.write(lines);
  }

  close(): void {
    this.#link.destroy();
  }

  onClose(task: () => void): void {
    this.#link.once('close', task);
  }

  onNumber(task: (number: number) => void): void {
    this.#told = task;
  }
}

/** Digits of the largest number that is exact. */
const MAX_DIGITS = 15;

/** The number before the line feed that `chunk` ends with: a sign of life comes whole, in a TLS record of its own. */
function lastNumber(chunk: Buffer): number | undefined {
  let at = chunk.length - 1;
  if (chunk[at] !== LINE_FEED) return undefined;
  let number = 0;
  const end = at - MAX_DIGITS;
  for (let scale = 1; at > 0 && at > end; scale *= 10) {
    const digit = (chunk[at - 1] as number) - ZERO;
    if (digit < 0 || digit > 9) break;
    number += digit * scale;
    at--;
  }
  return at === chunk.length - 1 ? undefined : number;
}

export interface Asked {
  /** Shows the other side that this one is there, and tells it `number`: at most 15 digits. */
  sign(number: number): void;
  /** Ends it at once. Idempotent. */
  close(): void;
}

/**
 * Asks the node at `address`. Resolves when the link is made, rejects when there is none within `timeout` ms. `line` is called with each line,
 * without its end; `heard` with every sign of life, before the lines that came with it; `end` once when it is over.
 */
export async function askForLines(
  address: HostPort,
  request: unknown,
  {
    keyring,
    timeout,
    line,
    heard,
    end,
  }: {
    keyring: Keyring;
    timeout: number;
    line: (text: string) => void;
    heard: () => void;
    end: () => void;
  },
): Promise<Asked> {
  const link = await dialLink(address, 'lines', { keyring, timeout });
  link.once('close', end);
  let rest: Buffer[] = [];
  link.on('data', (chunk: Buffer) => {
    heard();
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
      const last = chunk.subarray(from, at);
      const whole = rest.length === 0 ? last : Buffer.concat([...rest, last]);
      rest = [];
      from = at + 1;
      if (whole.length > 0) line(whole.toString());
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  });
  link.write(`${toText(request)}\n`);
  return {
    sign: (number) => {
      if (link.writable) link.write(`${number}\n`);
    },
    close: () => link.destroy(),
  };
}
