import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { ListenAddress } from '../listener-spec.ts';

/** A client that sends what it is told and collects what comes. */
export class RawClient {
  text = '';
  readonly socket: Socket;

  constructor(address: ListenAddress) {
    this.socket = connect({ ...address, allowHalfOpen: true });
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
    });
    this.socket.on('error', () => this.socket.emit('end'));
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  /** Waits until what came matches. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text)) await once(this.socket, 'data');
    return this.text;
  }

  async ended(): Promise<string> {
    if (!this.socket.readableEnded) await once(this.socket, 'end');
    return this.text;
  }
}
