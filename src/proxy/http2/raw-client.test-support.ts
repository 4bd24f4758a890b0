/** For tests: a client that sends frames of any kind, and the frames that come back. */
import { connect, type Socket } from 'node:net';
import { latin1, textOf } from '../http1/bytes.ts';
import { ACK, END_HEADERS, END_STREAM, FrameReader, HEADERS, PING, SETTINGS } from './frames.ts';
import { Decoder } from './hpack/decoder.ts';
import { FieldBlock } from './hpack/field-block.ts';
import { closers } from './http2.test-support.ts';
import { PREFACE } from './preface.ts';

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array()) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Four bytes. */
export function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Fields as literals that no table keeps. */
export function fields(...pairs: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    pairs.flatMap(([name, value]) => [
      Buffer.from([0, name.length]),
      latin1(name),
      Buffer.from([value.length]),
      latin1(value),
    ]),
  );
}

const REQUEST = { ':method': 'GET', ':scheme': 'http', ':path': '/', ':authority': 'x.test' };

/** A header block; undefined takes a field away. */
export function requestBlock(over: Record<string, string | undefined> = {}): Buffer {
  const pairs = Object.entries<string | undefined>({ ...REQUEST, ...over });
  return fields(...pairs.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
}

/** A request in one frame; it is whole unless there is a body to come. */
export function request(stream: number, over: Record<string, string | undefined> = {}, hasBody = false) {
  return frame(HEADERS, END_HEADERS | (hasBody ? 0 : END_STREAM), stream, requestBlock(over));
}

export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
  /** Of HEADERS: status and lines. */
  readonly text: string;
}

export class RawClient {
  readonly socket: Socket;
  readonly frames: SeenFrame[] = [];
  isGone = false;
  #wake: () => void = () => {};

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.isGone = true;
      this.#wake();
    });
    this.socket.on('end', () => this.socket.end());
    closers.push(() => this.socket.destroy());
    const decoder = new Decoder(4_096);
    const block = new FieldBlock();
    const parts: Uint8Array[] = [];
    const add = (type: number, flags: number, stream: number, payload: Buffer) => {
      let text = '';
      if (type === HEADERS && decoder.decode(payload, 0, payload.length, block))
        text = `${block.status || ''} ${textOf(block.lines, 0, block.end)}`;
      this.frames.push({ type, flags, stream, payload, text });
      this.#wake();
    };
    const reader = new FrameReader({
      isOver: false,
      dataBegins: () => void parts.splice(0),
      data: (_, bytes, from, to) => void parts.push(Buffer.from(bytes.subarray(from, to))),
      dataEnds: (stream, flags) => add(0, flags, stream, Buffer.concat(parts)),
      frame: (type, flags, stream, bytes, from, to) =>
        add(type, flags, stream, Buffer.from(bytes.subarray(from, to))),
      broken: (code) => {
        throw new Error(`it broke the protocol (${code})`);
      },
    });
    this.socket.on('data', (bytes) => reader.read(bytes, 0, bytes.length));
  }

  /** Preface, settings (pairs), then whatever follows. */
  static begin(port: number, settings: readonly number[] = []): RawClient {
    const client = new RawClient(port);
    const payload = Buffer.alloc(settings.length * 3);
    for (let i = 0; i < settings.length; i += 2) {
      payload.writeUInt16BE(settings[i]!, i * 3);
      payload.writeUInt32BE(settings[i + 1]!, i * 3 + 2);
    }
    client.say(PREFACE, frame(SETTINGS, 0, 0, payload));
    return client;
  }

  say(...parts: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** Resolves once it holds. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.isGone) throw new Error(`the connection is gone after ${JSON.stringify(this.frames)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The first of its kind. */
  async next(type: number, stream = 0): Promise<SeenFrame> {
    const found = () => this.frames.find((one) => one.type === type && one.stream === stream);
    await this.until(() => found() !== undefined);
    return found()!;
  }

  /** Resolves once all that was said was looked at. */
  async settled(): Promise<void> {
    const pings = () => this.frames.filter(({ type, flags }) => type === PING && flags === ACK).length;
    const before = pings();
    this.say(frame(PING, 0, 0, Buffer.alloc(8)));
    await this.until(() => pings() > before);
  }

  async gone(): Promise<void> {
    while (!this.isGone)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }

  /** What came of the body of a stream. */
  body(stream: number): Buffer {
    return Buffer.concat(
      this.frames.filter((one) => one.type === 0 && one.stream === stream).map(({ payload }) => payload),
    );
  }
}
