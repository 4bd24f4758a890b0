/** The transport on io_uring: HTTP in clear text and connections to instances; the rest stays with Node's sockets. */
import type { ListenerSpec } from '../listener-spec.ts';
import type { ListenerHome, OpenListener } from '../net/listener-kind.ts';
import { openListener } from '../net/listener-kinds.ts';
import type { TransportKind } from '../transport.ts';
import { loadLibc } from './libc.ts';
import { bindFor, openHttpListener } from './listener.ts';
import { Loop, type LoopOptions } from './loop.ts';
import { UpstreamPool } from './upstream-pool.ts';

/** A transport with a loop of its own, which takes over the thread. Rejects with the system call that was refused. */
export async function startUring(options: LoopOptions = {}): Promise<TransportKind & { loop: Loop }> {
  const loop = await Loop.start(await loadLibc(), options);
  return {
    loop,
    memory: loop.arena.bytes,
    now: () => loop.now,
    soon: (task) => loop.soon(task),
    pool: (engine) => new UpstreamPool(engine, loop),
    open: (home: ListenerHome, spec: ListenerSpec): Promise<OpenListener> =>
      spec.protocol === 'http' && spec.http2 !== true && spec.acceptProxy !== true
        ? openHttpListener(loop, home, spec)
        : openListener(home, spec),
    bind: (spec) => bindFor(loop, spec),
    stop: () => loop.stop(),
  };
}
