/** The transport on io_uring: HTTP and TCP in clear text and connections to instances; the rest stays with Node's sockets. */
import type { ListenerSpec } from '../listener-spec.ts';
import type { ListenerHome, OpenListener } from '../net/listener-kind.ts';
import { openListener } from '../net/listener-kinds.ts';
import type { TransportKind } from '../transport.ts';
import { openHttpListener } from './http-listener.ts';
import { loadLibc } from './libc.ts';
import { bindFor } from './listener.ts';
import { Loop, type LoopOptions } from './loop.ts';
import { Names } from './names.ts';
import { openTcpListener } from './tcp-listener.ts';
import { UpstreamPool } from './upstream-pool.ts';

/** A transport with a loop of its own, which takes over the thread. Rejects with the system call that was refused. */
export async function startUring(options: LoopOptions = {}): Promise<TransportKind & { loop: Loop }> {
  const loop = await Loop.start(await loadLibc(), options);
  const dialling = { loop, names: new Names() };
  const open = (home: ListenerHome, spec: ListenerSpec): Promise<OpenListener> => {
    if (isOfNode(loop, spec)) return openListener(home, spec);
    if (spec.protocol === 'http' && spec.http2 !== true && !spec.acceptProxy)
      return openHttpListener(loop, home, spec);
    if (spec.protocol === 'tcp' && spec.tls === undefined) return openTcpListener(dialling, home, spec);
    return openListener(home, spec);
  };
  return {
    loop,
    memory: loop.arena.bytes,
    now: () => loop.now,
    soon: (task) => loop.soon(task),
    pool: (engine) => new UpstreamPool(engine, dialling),
    open,
    bind: (spec) => bindFor(loop, spec),
    stop: () => loop.stop(),
  };
}

/**
 * Sockets that Node's loop listened on in the process before: they do not wait, which the ring needs, and that cannot be changed while
 * the other process has them.
 */
function isOfNode({ libc }: Loop, { descriptors = [] }: ListenerSpec): boolean {
  return descriptors.some((fd) => libc.isNonBlocking(fd));
}
