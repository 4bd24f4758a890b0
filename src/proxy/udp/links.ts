/** What UDP sessions ask of a transport. Datagrams given to it stay as they are until they are sent. */
import type { Target } from '../../balance/balancer.ts';
import type { UdpSession } from './session.ts';

/** A client by its address and port. */
export interface UdpClient {
  readonly address: string;
  readonly port: number;
}

/** A socket towards an instance. Its events go to the session: `answered`, `refused`, `lacked`. */
export interface UdpUpstream {
  send(datagram: Uint8Array): void;
  /** No event of it reaches the session afterwards. */
  close(): void;
}

export interface UdpTransport {
  /** A socket of its own, so that answers find their client. Never calls back before it returns. */
  open(session: UdpSession, target: Target): UdpUpstream;
  /** Sends to an instance from whatever socket, for datagrams whose answers nobody waits for. */
  forget(target: Target, datagram: Uint8Array): void;
  /** To a client, from where it sent to. */
  reply(client: UdpClient, datagram: Uint8Array): void;
}
