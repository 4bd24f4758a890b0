/** Connections to instances that speak HTTP/2, each with many streams. */
import type { Target, TargetState } from '../../balance/balancer.ts';
import type { Engine } from '../http1/engine.ts';
import type { Asking, UpstreamLink } from '../http1/links.ts';
import type { Dialer } from '../tls/dialer.ts';
import { UpstreamPeer } from './upstream-peer.ts';

/** How long (ms) a connection without streams is kept: below the idle timeouts of common servers, a minute and up. */
const IDLE = 50_000;

export class Http2Pool {
  readonly #engine: Engine;
  readonly #dialer: Dialer;
  readonly #peers = new Map<TargetState, Set<UpstreamPeer>>();

  constructor(engine: Engine, dialer: Dialer) {
    this.#engine = engine;
    this.#dialer = dialer;
  }

  open(session: Asking, target: Target, fresh: boolean): UpstreamLink {
    let peers = this.#peers.get(target.state);
    if (peers === undefined) {
      peers = new Set();
      this.#peers.set(target.state, peers);
    }
    // Those that one connection let down share the next one: until it stands nobody has a fresher one.
    for (const peer of peers) if (peer.isFree && !(fresh && peer.connected)) return peer.add(session);
    const peer = new UpstreamPeer(this.#engine, target, this.#dialer, (gone) => this.#drop(gone));
    peers.add(peer);
    return peer.add(session);
  }

  #drop(peer: UpstreamPeer): void {
    const { state } = peer.target;
    const peers = this.#peers.get(state);
    if (peers === undefined) return;
    peers.delete(peer);
    if (peers.size === 0) this.#peers.delete(state);
  }

  sweep(now: number): void {
    for (const peers of this.#peers.values())
      for (const peer of peers) {
        const isUnused = peer.isUnused(now - IDLE);
        // An instance that is only busy answers what it has; others are asked over another connection.
        if (isUnused || peer.isSilent(now)) peer.finish(isUnused);
      }
  }

  forget(state: TargetState): void {
    for (const peer of [...(this.#peers.get(state) ?? [])]) peer.finish();
  }

  close(): void {
    for (const peers of [...this.#peers.values()]) for (const peer of [...peers]) peer.finish();
  }
}
