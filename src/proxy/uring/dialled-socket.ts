import { getSystemErrorName } from 'node:util';
import type { Target } from '../../balance/balancer.ts';
import { type Lack, lackOf } from '../shortage.ts';
import { connectError, dial } from './calls.ts';
import * as kernel from './kernel.ts';
import type { Loop } from './loop.ts';
import type { Addresses, Names } from './names.ts';
import { RingSocket } from './socket.ts';

/** What connections to instances are opened with. */
export interface Dialling {
  readonly loop: Loop;
  readonly names: Names;
}

/** A connection to an instance. Of a host with several addresses, one after the other is tried. */
export abstract class DialledSocket extends RingSocket {
  readonly target: Target;
  connected = false;
  /** Why it could not be opened, when that is our own doing. */
  lack: Lack | undefined;
  /** The same in words. */
  trouble = 'connection refused';
  #untried: Addresses = [];

  constructor({ loop, names }: Dialling, target: Target) {
    super(loop);
    this.target = target;
    const addresses = names.find(target.host, loop.now, (found, lack) => this.#begin(found, lack));
    if (addresses !== undefined) this.#begin(addresses);
  }

  /** It can be used from now on. */
  protected abstract onOpened(): void;

  #begin(addresses: Addresses, lack?: Lack): void {
    if (this.isEnding) return;
    this.lack = lack;
    if (addresses.length === 0) this.trouble = `no address is known for ${this.target.host}`;
    this.#dial(addresses);
  }

  #dial([address, ...others]: Addresses): void {
    if (address === undefined) {
      this.fail();
      return;
    }
    this.#untried = others;
    const fd = dial(this.loop, address, this.target.port);
    if (fd < 0) this.#failed(-fd);
    else this.connecting(fd);
  }

  #failed(error: number): void {
    const name = getSystemErrorName(-error);
    this.lack = lackOf(name);
    this.trouble = error === kernel.ECONNREFUSED ? 'connection refused' : `connect: ${name}`;
    this.#dial(this.#untried);
  }

  protected override onSettled(result: number): void {
    const { fd, loop } = this;
    let error = Math.max(0, -result);
    if (result > 0 && (result & kernel.POLL_FAILED) !== 0) error = connectError(loop, fd);
    if (error !== 0) {
      loop.closeDescriptor(fd);
      this.fd = -1;
      this.#failed(error);
      return;
    }
    // Hardly anybody speaks before it is spoken to.
    this.opened(fd, kernel.RECEIVE_POLL_FIRST);
    this.connected = true;
    this.lack = undefined;
    this.onOpened();
  }
}
