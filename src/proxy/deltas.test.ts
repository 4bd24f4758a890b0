import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { type Delta, DeltaReceiver, DeltaSender } from './deltas.ts';

const routes = (version: number): Delta => ({
  type: 'routes',
  delta: { version, changed: [], patched: [], removed: [] },
});
const pools = (version: number): Delta => ({ type: 'pools', delta: { version, changed: [], removed: [] } });

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function connected() {
  const sender = new DeltaSender();
  const applied: string[] = [];
  const receiver = new DeltaReceiver(sender.end, ({ type, delta }) =>
    applied.push(`${type} ${delta.version}`),
  );
  const { port } = sender.end;
  closers.push(() => port.close());
  return { sender, receiver, applied, port };
}

describe('changes on their way to a worker', () => {
  it('are there for who looks before the loop has turned, in their order and once', () => {
    const { sender, receiver, applied } = connected();
    receiver.catchUp();
    expect(applied).toEqual([]);
    sender.send(routes(1));
    sender.send(pools(1));
    sender.send(routes(2));
    expect(applied).toEqual([]);
    receiver.catchUp();
    expect(applied).toEqual(['routes 1', 'pools 1', 'routes 2']);
    receiver.catchUp();
    sender.send(routes(3));
    receiver.catchUp();
    expect(applied.slice(3)).toEqual(['routes 3']);
  });

  it('come by themselves where nobody looks', async () => {
    const { sender, receiver, applied, port } = connected();
    sender.send(routes(1));
    await once(port, 'message');
    expect(applied).toEqual(['routes 1']);
    receiver.catchUp();
    sender.send(routes(2));
    receiver.catchUp();
    expect(applied).toEqual(['routes 1', 'routes 2']);
  });
});
