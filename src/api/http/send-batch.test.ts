import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { OBSTACLE } from '../../proxy/uring/fixtures.ts';
import { type Recipient, SendBatch } from './send-batch.ts';

/** A connection of TCP, both ends of it. */
interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

let server: Server;
const sockets: Socket[] = [];

beforeAll(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

async function pair(): Promise<Pair> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const far = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [near] = await accepted;
  near.on('error', () => {});
  far.on('error', () => {});
  sockets.push(near, far);
  return { near, far };
}

const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

class Told implements Recipient {
  readonly outcomes: (number | 'failed')[] = [];
  readonly #socket: Socket;
  readonly text: string;

  constructor(socket: Socket, text: string) {
    this.#socket = socket;
    this.text = text;
  }

  get descriptor(): number {
    return (this.#socket as unknown as { _handle: { fd: number } | null })._handle?.fd ?? -1;
  }

  taken(count: number): void {
    this.outcomes.push(count);
  }

  failed(): void {
    this.outcomes.push('failed');
  }
}

async function prepared(): Promise<SendBatch> {
  const batch = new SendBatch();
  await batch.prepare();
  return batch;
}

/** What arrives until it is as much as `length`. */
async function read(socket: Socket, length: number): Promise<string> {
  let text = '';
  socket.setEncoding('latin1');
  while (text.length < length) {
    const chunk = socket.read() as string | null;
    if (chunk === null) await once(socket, 'readable');
    else text += chunk;
  }
  return text;
}

it('has nothing to do with those who are asked little', () => {
  const batch = new SendBatch();
  const told = new Told({} as Socket, 'x');
  for (let i = 0; i < 100; i++) expect(batch.add(told)).toBe(false);
  batch.flush();
  expect(told.outcomes).toEqual([]);
});

it('does without a ring where the choice of the transport fails: who asks is answered all the same', async () => {
  vi.stubEnv('MUSTER_TRANSPORT', 'carrier pigeon');
  const batch = await prepared();
  vi.unstubAllEnvs();
  expect(batch.add(new Told({} as Socket, 'x'))).toBe(false);
});

describe.skipIf(OBSTACLE !== undefined)('texts of one turn', () => {
  it('arrive whole, each with whom it is for, in the order in which they were given', async () => {
    const batch = await prepared();
    const pairs: Pair[] = [];
    while (pairs.length < 5) pairs.push(await pair());
    const texts = fc
      .record({
        letter: fc.constantFrom('a', '\xe9', '\xff'),
        // Up to what is not taken at all.
        length: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(4_000, 65_536, 65_537)),
      })
      .map(({ letter, length }) => letter.repeat(length));
    // A turn has one text for a connection at most; several may be told the same.
    const turn = fc.array(fc.option(texts, { nil: '' }), { minLength: 5, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { maxLength: 40 }), async (turns) => {
        const expected = pairs.map((_, i) => turns.map((turn) => turn[i]).join(''));
        const arrived = Promise.all(pairs.map(({ far }, i) => read(far, expected[i]!.length)));
        for (const turn of turns) {
          const rests = pairs.map(
            ({ near }, i) =>
              new Promise<void>((sent) => {
                const text = turn[i]!;
                const rest = (from: number) => near.write(text.slice(from), 'latin1', () => sent());
                const told = new Told(near, text);
                told.taken = (count) => (count === text.length ? sent() : rest(count));
                if (text === '') sent();
                else if (!batch.add(told)) rest(0);
              }),
          );
          await Promise.all(rests);
        }
        expect(await arrived).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });

  it('go out with one call at the end of it, or when they are many', async () => {
    const batch = await prepared();
    const { near, far } = await pair();
    const tolds = Array.from({ length: 300 }, (_, i) => new Told(near, `${i};`));
    for (const told of tolds) batch.add(told);
    expect(tolds.filter(({ outcomes }) => outcomes.length > 0)).toHaveLength(256);
    await new Promise(setImmediate);
    expect(tolds.map(({ outcomes }) => outcomes)).toEqual(tolds.map(({ text }) => [text.length]));
    const all = tolds.map(({ text }) => text).join('');
    expect(await read(far, all.length)).toBe(all);
  });

  it('go nowhere when the connection was closed in between', async () => {
    const batch = await prepared();
    const [gone, reset, there] = [await pair(), await pair(), await pair()];
    reset.far.resetAndDestroy();
    await closed(reset.near);
    const [first, second, third] = [gone, reset, there].map(({ near }) => new Told(near, 'hello')) as [
      Told,
      Told,
      Told,
    ];
    for (const told of [first, second, third]) batch.add(told);
    gone.near.destroy();
    await closed(gone.near);
    batch.flush();
    expect([first.outcomes, second.outcomes, third.outcomes]).toEqual([['failed'], ['failed'], [5]]);
  });

  it('are taken as far as the kernel has room, when the peer does not read', async () => {
    const batch = await prepared();
    const { near, far } = await pair();
    far.pause();
    let last: number | 'failed' | undefined;
    let sum = 0;
    for (let i = 0; i < 10_000 && last !== 0; i++) {
      const told = new Told(near, 'y'.repeat(60_000));
      batch.add(told);
      batch.flush();
      [last] = told.outcomes;
      expect(last).not.toBe('failed');
      sum += last as number;
    }
    expect(last).toBe(0);
    expect((await read(far, sum)).length).toBe(sum);
  });
});
