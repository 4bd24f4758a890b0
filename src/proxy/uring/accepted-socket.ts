import type { ListedClient, ListedSession } from '../client-list.ts';
import { RingSocket } from './socket.ts';

/** What a client's session is told, whatever it speaks, besides the bytes. */
export interface AcceptedSession extends ListedSession {
  ended(): void;
  drained(): void;
  progressed(): void;
}

/** A socket that a listener has taken in: what happens to it is for its session. */
export abstract class AcceptedSocket extends RingSocket implements ListedClient {
  abstract readonly session: AcceptedSession;
  index = -1;

  protected onEnded(): void {
    this.session.ended();
  }

  protected onDrained(): void {
    this.session.drained();
  }

  protected onProgress(): void {
    this.session.progressed();
  }
}
