import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { BOX, type Delta, DeltaReceiver, DeltaSender, pack } from './deltas.ts';

const routes = (version: number, removed: string[] = []): Delta => ({
  type: 'routes',
  delta: { version, changed: [], patched: [], removed },
});
const pools = (version: number): Delta => ({ type: 'pools', delta: { version, changed: [], removed: [] } });

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function connected() {
  const sender = new DeltaSender();
  const applied: Delta[] = [];
  const receiver = new DeltaReceiver(sender.end, (delta) => applied.push(delta));
  closers.push(() => sender.end.port.close());
  const send = (delta: Delta) => sender.send(pack(delta));
  return { send, receiver, applied };
}

describe('changes on their way to a worker', () => {
  it('are there for who looks before the loop has turned, in their order and once', () => {
    const { send, receiver, applied } = connected();
    receiver.catchUp();
    expect(applied).toEqual([]);
    for (const delta of [routes(1), pools(1), routes(2)]) send(delta);
    expect(applied).toEqual([]);
    receiver.catchUp();
    expect(applied).toEqual([routes(1), pools(1), routes(2)]);
    receiver.catchUp();
    send(routes(3));
    receiver.catchUp();
    expect(applied.slice(3)).toEqual([routes(3)]);
  });

  it('arrive in their order, however large they are and whenever somebody looks', () => {
    // Sizes around what the box has room for, so that it fills, overflows and begins anew; undefined: somebody looks.
    const size = fc.oneof(
      fc.nat({ max: 300 }),
      fc.integer({ min: BOX / 4, max: BOX / 2 }),
      fc.integer({ min: BOX - 200, max: BOX + 200 }),
    );
    const steps = fc.array(fc.option(size, { nil: undefined, freq: 2 }), { maxLength: 40 });
    fc.assert(
      fc.property(steps, (all) => {
        const { send, receiver, applied } = connected();
        const sent: Delta[] = [];
        for (const one of [...all, undefined]) {
          if (one === undefined) {
            receiver.catchUp();
            expect(applied).toEqual(sent);
          } else {
            const delta = routes(sent.length + 1, ['x'.repeat(one)]);
            sent.push(delta);
            send(delta);
          }
        }
      }),
    );
  });

  it('arrive on another thread that looks all the time while they are sent', async () => {
    const { outputFiles } = await build({
      stdin: { contents: LOOKING, resolveDir: import.meta.dirname, loader: 'ts' },
      bundle: true,
      format: 'cjs',
      platform: 'node',
      write: false,
    });
    const sender = new DeltaSender();
    const { port } = sender.end;
    const many = 3_000;
    const worker = new Worker(outputFiles[0]?.text ?? '', {
      eval: true,
      workerData: { end: sender.end, many },
      transferList: [port],
    });
    closers.push(() => void worker.terminate());
    const ended = once(worker, 'message');
    await once(worker, 'online');
    // Some larger than a quarter of the box, so that it overflows while the other thread reads it.
    for (let version = 1; version <= many; version++)
      sender.send(
        pack(routes(version, ['x'.repeat(version % 10 === 0 ? Math.floor(BOX / 3) : version % 500)])),
      );
    expect(await ended).toEqual([{ versions: Array.from({ length: many }, (_, i) => i + 1), wrong: [] }]);
  });
});

/** A thread that does nothing but look, and tells what it found. */
const LOOKING = `
import { parentPort, workerData } from 'node:worker_threads';
import { DeltaReceiver } from './deltas.ts';
const versions = [];
const wrong = [];
const receiver = new DeltaReceiver(workerData.end, ({ delta: { version, removed: [text] } }) => {
  versions.push(version);
  const length = version % 10 === 0 ? ${Math.floor(BOX / 3)} : version % 500;
  if (text !== 'x'.repeat(length)) wrong.push(version);
});
while (versions.length < workerData.many) receiver.catchUp();
parentPort.postMessage({ versions, wrong });
`;
