import { formatHostPort } from '../../lib/host-port.ts';
import type { Engine } from '../http1/engine.ts';
import { Frontend } from '../http1/frontend.ts';
import { withLimits } from '../limits.ts';
import type { HttpListenerSpec } from '../listener-spec.ts';
import type { ListenerHome, OpenListener } from '../net/listener-kind.ts';
import type { Endpoint } from '../proxy-protocol.ts';
import type { Listening } from './calls.ts';
import { ClientConnection, type ClientHome } from './client-connection.ts';
import { listenAt, RingListener } from './listener.ts';
import type { Loop } from './loop.ts';

/** Listens for HTTP/1.1 in clear text. Throws `listen.*`. */
export async function openHttpListener(
  loop: Loop,
  home: ListenerHome,
  spec: HttpListenerSpec,
): Promise<OpenListener> {
  const listening = await listenAt(loop, spec);
  const { engine, localAddress } = home;
  const frontend = new Frontend({
    limits: withLimits(engine.limits, spec.limits),
    authority: formatHostPort(listening.host, listening.port),
    localAddress,
  });
  return new HttpListener(loop, home, frontend, listening);
}

class HttpListener extends RingListener<ClientConnection> implements ClientHome {
  readonly engine: Engine;
  readonly frontend: Frontend;

  constructor(loop: Loop, home: ListenerHome, frontend: Frontend, listening: Listening) {
    super(loop, home, frontend, listening);
    this.engine = home.engine;
    this.frontend = frontend;
  }

  protected take(fd: number, from: Endpoint): void {
    this.clients.add(new ClientConnection(this, fd, from));
  }
}
