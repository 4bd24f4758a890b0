import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Seats } from '../seats.ts';
import { type Accepted, acceptedOf } from './accepted.ts';
import { type AcceptedHandle, Acceptor } from './acceptor.ts';
import { type Opening, OpeningReader } from './opening-reader.ts';
import { takenWire } from './wire.ts';

const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

/** A line. One that begins with "!" is none. */
class Line implements Opening<{ line: string }> {
  #text = '';

  read(piece: Buffer): { line: string } | 'more' | 'invalid' {
    this.#text += piece.toString('latin1');
    if (this.#text.startsWith('!')) return 'invalid';
    return this.#text.includes('\n') ? { line: this.#text } : 'more';
  }
}

async function opened(prepare: (handle: AcceptedHandle) => void, first?: Buffer) {
  const acceptor = await Acceptor.listen({ id: 'one', host: '127.0.0.1', port: 0 }, undefined);
  const accepted = new Promise<AcceptedHandle>((resolve, reject) => {
    acceptor.begin(resolve, new Seats(9, () => reject(new Error('not accepted'))));
  });
  const far: Socket = connect({ ...acceptor.address, allowHalfOpen: true });
  far.on('error', () => {});
  const handle = await accepted;
  prepare(handle);
  let onGone = () => {};
  const gone = new Promise<void>((resolve) => {
    onGone = resolve;
  });
  let onRead = (_: Accepted, _line: string, _deadline: number) => {};
  const read = new Promise<[Accepted, string, number]>((resolve) => {
    onRead = (...words) => resolve(words);
  });
  const reader = new OpeningReader<{ line: string }>({
    timeout: 1_000,
    onRead: (connection, { line }, deadline) => onRead(connection, line, deadline),
    onGone: () => onGone(),
  });
  closers.push(
    () => acceptor.close(),
    () => far.destroy(),
    () => reader.close(),
  );
  const connection = acceptedOf(handle);
  reader.accept(connection, new Line(), 5_000, first);
  return { reader, connection, far, read, gone };
}

describe.each([
  ['by its handle', () => {}],
  // As where Node has not all that is used of a handle.
  ['by a socket', (handle: AcceptedHandle) => Object.assign(handle, { getpeername: undefined })],
])('what a connection begins with, %s,', (_, prepare) => {
  it('is read in pieces, and what follows is somebody else’s', async () => {
    const { reader, connection, far, read } = await opened(prepare);
    far.write('on');
    expect(reader.pending).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    far.write('e\ntw');
    const [taken, line, deadline] = await read;
    expect(taken).toBe(connection);
    expect(line.startsWith('one\n')).toBe(true);
    expect(deadline).toBe(6_000);
    expect(reader.pending).toBe(0);
    const buffer = Buffer.alloc(65_536);
    let text = line.slice(4);
    const all = new Promise<void>((resolve) => {
      const wire = takenWire(
        taken,
        buffer,
      )({
        received: (length) => {
          text += buffer.toString('latin1', 0, length);
          if (text === 'two') resolve();
          return undefined;
        },
        drained() {},
        ended() {},
        closed() {},
      });
      closers.push(() => wire.socket.destroy());
      wire.begin();
    });
    far.write('o');
    await all;
  });

  it('may have come before it is looked at', async () => {
    const { read } = await opened(prepare, Buffer.from('known\n'));
    expect((await read)[1]).toBe('known\n');
  });

  it.each([
    ['it is something else', (far: Socket) => far.write('!')],
    ['the client ends', (far: Socket) => far.end('o')],
    ['the client resets', (far: Socket) => far.resetAndDestroy()],
  ])('ends it when %s', async (_what, misbehave) => {
    const { reader, far, gone } = await opened(prepare);
    if (far.connecting) await once(far, 'connect');
    misbehave(far.resume());
    await gone;
    expect(reader.pending).toBe(0);
  });

  it('ends it at once when it is known to be something else', async () => {
    const { reader, gone } = await opened(prepare, Buffer.from('!'));
    await gone;
    expect(reader.pending).toBe(0);
  });

  it('ends it when it takes too long, and when nothing is wanted any more', async () => {
    const { reader, far, gone } = await opened(prepare);
    far.write('o');
    reader.sweep(5_999);
    expect(reader.pending).toBe(1);
    reader.sweep(6_000);
    await gone;
    expect(reader.pending).toBe(0);
    const other = await opened(prepare);
    other.reader.close();
    await other.gone;
    await once(other.far.resume(), 'end');
  });
});
