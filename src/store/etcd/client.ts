import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { MusterError } from '../../errors.ts';
import { formatHostPort, parseHostPort } from '../../lib/host-port.ts';
import { Channel, type Duplex, RpcError, STATUS } from './grpc.ts';
import * as wire from './messages.ts';

export interface EtcdTls {
  /** PEM. Without it the certificates of the system count. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface EtcdOptions {
  /** "http://host:port", "https://host:port", or "unix:PATH". One after the other is tried. */
  readonly endpoints: readonly string[];
  readonly tls?: EtcdTls;
  readonly user?: { readonly name: string; readonly password: string } | undefined;
}

/** A call must not hang on a member that is cut off: etcd itself gives up after 7 s at most. */
const TIMEOUT = 2_500;
/** Until another endpoint is tried. */
const CONNECT_TIMEOUT = 1_500;

export interface WatchEvents {
  answer(answer: wire.WatchAnswer): void;
  /** Called once. What was missed has to be asked for again. */
  end(error: RpcError): void;
}

/**
 * What is asked of etcd. Every call rejects with `RpcError`; one whose connection was lost may have been carried
 * out.
 */
export class EtcdClient {
  readonly #options: EtcdOptions;
  #channel: Channel | undefined;
  #next = 0;
  #token: Promise<string> | undefined;
  #closed = false;

  constructor(options: EtcdOptions) {
    if (options.endpoints.length === 0) throw new MusterError('config.invalid', 'etcd needs an endpoint');
    this.#options = options;
  }

  close(): void {
    this.#closed = true;
    this.#channel?.close();
  }

  async range(options: wire.RangeOptions, timeout = TIMEOUT): Promise<wire.RangeAnswer> {
    return wire.rangeAnswer(await this.#call('KV/Range', wire.rangeRequest(options), timeout));
  }

  async txn(txn: wire.Txn, timeout = TIMEOUT): Promise<wire.TxnAnswer> {
    return wire.txnAnswer(await this.#call('KV/Txn', wire.txnRequest(txn), timeout));
  }

  async compact(revision: number): Promise<void> {
    await this.#call('KV/Compact', wire.compactionRequest(revision));
  }

  /** `id` is one of the caller's own; rejects with `failedPrecondition` when there is such a lease already. */
  async grantLease(seconds: number, id?: bigint): Promise<bigint> {
    return wire.leaseAnswer(await this.#call('Lease/LeaseGrant', wire.leaseGrantRequest(seconds, id))).id;
  }

  async revokeLease(id: bigint): Promise<void> {
    await this.#call('Lease/LeaseRevoke', wire.idRequest(id));
  }

  /** False when the lease is gone. */
  async keepLease(id: bigint): Promise<boolean> {
    return wire.leaseAnswer(await this.#call('Lease/LeaseKeepAlive', wire.idRequest(id))).seconds > 0;
  }

  async members(): Promise<wire.EtcdMember[]> {
    return wire.memberListAnswer(await this.#call('Cluster/MemberList', wire.emptyRequest()));
  }

  async addMember(
    peerUrl: string,
    learner: boolean,
  ): Promise<{ member: wire.EtcdMember; members: wire.EtcdMember[] }> {
    return wire.memberAddAnswer(
      await this.#call('Cluster/MemberAdd', wire.memberAddRequest(peerUrl, learner)),
    );
  }

  async promoteMember(id: bigint): Promise<void> {
    await this.#call('Cluster/MemberPromote', wire.idRequest(id));
  }

  async removeMember(id: bigint): Promise<void> {
    await this.#call('Cluster/MemberRemove', wire.idRequest(id));
  }

  async moveLeader(id: bigint): Promise<void> {
    await this.#call('Maintenance/MoveLeader', wire.idRequest(id));
  }

  async status(): Promise<wire.EtcdStatus> {
    return wire.statusAnswer(await this.#call('Maintenance/Status', wire.emptyRequest()));
  }

  /** Follows the keys of `range` from `startRevision` on. */
  async watch(range: wire.KeyRange, startRevision: number, events: WatchEvents): Promise<Duplex> {
    const channel = await this.#connect();
    const token = await this.#authenticated(channel);
    const stream = channel.open('/etcdserverpb.Watch/Watch', token, {
      message(message) {
        events.answer(wire.watchAnswer(message));
      },
      end: events.end,
    });
    stream.send(wire.watchCreateRequest(range, startRevision));
    return stream;
  }

  async #call(method: string, request: Buffer, timeout = TIMEOUT): Promise<Buffer> {
    const hadToken = this.#token !== undefined;
    try {
      return await this.#callOnce(method, request, timeout);
    } catch (error) {
      // What is refused for an old token was not carried out.
      if (!hadToken || !isTokenRefused(error)) throw error;
      return this.#callOnce(method, request, timeout);
    }
  }

  async #callOnce(method: string, request: Buffer, timeout: number): Promise<Buffer> {
    const channel = await this.#connect();
    try {
      const token = await this.#authenticated(channel);
      return await channel.call(`/etcdserverpb.${method}`, request, { timeout, token });
    } catch (error) {
      // A member that does not answer may be cut off: the next call goes elsewhere.
      const { status } = error as RpcError;
      if (status === STATUS.unavailable || status === STATUS.deadlineExceeded) this.#drop(channel);
      // The next call fetches another.
      if (isTokenRefused(error)) this.#token = undefined;
      throw error;
    }
  }

  #drop(channel: Channel): void {
    // With one endpoint the connection itself is not to blame, unless it is lost.
    if (this.#options.endpoints.length < 2 && !channel.lost) return;
    channel.close();
    if (this.#channel === channel) this.#channel = undefined;
  }

  async #connect(): Promise<Channel> {
    if (this.#closed) throw new RpcError(STATUS.cancelled, 'the client is closed');
    if (this.#channel !== undefined && !this.#channel.lost) return this.#channel;
    const { endpoints, tls } = this.#options;
    const endpoint = endpoints[this.#next++ % endpoints.length] as string;
    this.#token = undefined;
    this.#channel = channelTo(endpoint, tls ?? {});
    return this.#channel;
  }

  async #authenticated(channel: Channel): Promise<string | undefined> {
    const { user } = this.#options;
    if (user === undefined) return undefined;
    this.#token ??= channel
      .call('/etcdserverpb.Auth/Authenticate', wire.authenticateRequest(user.name, user.password), {
        timeout: TIMEOUT,
      })
      .then(wire.tokenAnswer);
    try {
      return await this.#token;
    } catch (error) {
      this.#token = undefined;
      throw error;
    }
  }
}

/** Tokens run out, and those that carry a revision of etcd's users do so with each change of these. */
function isTokenRefused(error: unknown): boolean {
  const { status, message } = error as RpcError;
  return (
    status === STATUS.unauthenticated || /invalid auth token|revision of auth store is old/.test(message)
  );
}

function channelTo(endpoint: string, tls: EtcdTls): Channel {
  if (endpoint.startsWith('unix:')) {
    const path = endpoint.slice('unix:'.length);
    return new Channel('http://localhost', () => bounded(connectTcp({ path })));
  }
  const match = /^(https?):\/\/(.*?)\/?$/.exec(endpoint);
  const address = parseHostPort(match?.[2] ?? endpoint);
  if (address === undefined)
    throw new MusterError('config.invalid', `an endpoint of etcd is "http://host:port", not "${endpoint}"`);
  const { host, port } = address;
  const authority = formatHostPort(host, port);
  if (match?.[1] !== 'https')
    return new Channel(`http://${authority}`, () => bounded(connectTcp({ host, port, noDelay: true })));
  const servername = isIP(host) === 0 ? { servername: host } : {};
  return new Channel(`https://${authority}`, () =>
    bounded(connectTls({ host, port, ...tls, ...servername, ALPNProtocols: ['h2'] })),
  );
}

/** A socket that is given up when it is not connected in time. */
function bounded(socket: Socket): Socket {
  const timer = setTimeout(() => socket.destroy(new Error('no connection')), CONNECT_TIMEOUT);
  timer.unref();
  socket.once('connect', () => clearTimeout(timer));
  socket.once('close', () => clearTimeout(timer));
  return socket;
}
