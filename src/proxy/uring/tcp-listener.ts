import type { Target } from '../../balance/balancer.ts';
import type { TcpListenerSpec } from '../listener-spec.ts';
import type { ListenerHome, OpenListener } from '../net/listener-kind.ts';
import { tcpFrontendOf } from '../net/tcp-frontend.ts';
import { TcpDialer as NodeDialer } from '../net/tcp-upstream.ts';
import type { Endpoint } from '../proxy-protocol.ts';
import type { TcpWorker } from '../tcp/engine.ts';
import type { TcpFrontend } from '../tcp/frontend.ts';
import type { TcpTransport, TcpUpstreamLink } from '../tcp/links.ts';
import type { TcpSession } from '../tcp/session.ts';
import type { Listening } from './calls.ts';
import type { Dialling } from './dialled-socket.ts';
import { listenAt, RingListener } from './listener.ts';
import { RelayClient, type RelayHome } from './relay-client.ts';
import { RelayUpstream } from './relay-upstream.ts';

/** Listens for TCP that is relayed as it is. Throws `listen.*`. */
export async function openTcpListener(
  dialling: Dialling,
  home: ListenerHome,
  spec: TcpListenerSpec,
): Promise<OpenListener> {
  const listening = await listenAt(dialling.loop, spec);
  return new TcpListener(dialling, home, tcpFrontendOf(home, spec, listening), listening);
}

class TcpListener extends RingListener<RelayClient> implements RelayHome {
  readonly worker: TcpWorker;
  readonly frontend: TcpFrontend;

  constructor(dialling: Dialling, home: ListenerHome, frontend: TcpFrontend, listening: Listening) {
    super(dialling.loop, home, frontend, listening);
    this.frontend = frontend;
    this.worker = { engine: home.engine, transport: new TcpDialer(dialling, home) };
  }

  protected override mayTake(): boolean {
    if (this.size < this.frontend.limits.maxConnections) return true;
    this.worker.engine.onLack('connections');
    return false;
  }

  protected take(fd: number, from: Endpoint): void {
    const client = new RelayClient(this, fd, from);
    this.clients.add(client);
    client.session.begin();
  }
}

/** Connections to instances; TLS to them is Node's. */
class TcpDialer implements TcpTransport {
  readonly #dialling: Dialling;
  readonly #secure: NodeDialer;

  constructor(dialling: Dialling, home: ListenerHome) {
    this.#dialling = dialling;
    this.#secure = new NodeDialer(home);
  }

  open(session: TcpSession, target: Target): TcpUpstreamLink {
    if (target.tls !== undefined) return this.#secure.open(session, target);
    return new RelayUpstream(this.#dialling, session, target);
  }
}
