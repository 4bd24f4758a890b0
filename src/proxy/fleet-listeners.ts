/** Where the workers of a fleet listen: what was asked for, and what became of it. */
import type { Sockets } from '../lib/sockets.ts';
import { Doors } from './doors.ts';
import type { ListenAddress, ListenerSpec } from './listener-spec.ts';

export class FleetListeners {
  readonly #specs = new Map<string, ListenerSpec>();
  readonly #addresses = new Map<string, ListenAddress>();
  readonly #doors: Doors;

  constructor(sockets: Sockets) {
    this.#doors = new Doors(sockets);
  }

  /** `inUse`: the sockets that the workers listen on. */
  add(spec: ListenerSpec, inUse: () => readonly number[]): void {
    this.#specs.set(spec.id, spec);
    this.#doors.open(spec, inUse);
  }

  remove(id: string): void {
    this.#specs.delete(id);
    this.#addresses.delete(id);
    this.#doors.close(id);
  }

  /** As asked for. Live: one that is removed before its turn does not come. */
  get specs(): Iterable<ListenerSpec> {
    return this.#specs.values();
  }

  /** By listener, with the ports that were given for port 0. */
  get addresses(): ReadonlyMap<string, ListenAddress> {
    return this.#addresses;
  }

  /** A worker listens there. */
  found(id: string, address: ListenAddress): void {
    if (this.#specs.has(id)) this.#addresses.set(id, address);
  }

  /** For one of `workers`: with the port it was given before, so that all share it and a replacement has the same. */
  forWorker(spec: ListenerSpec, worker: number, workers: number): ListenerSpec {
    const known = this.#addresses.get(spec.id);
    const descriptors = this.#doors.descriptorsFor(spec.id, worker, workers);
    return { ...spec, port: known?.port ?? spec.port, isShared: known !== undefined, descriptors };
  }

  /** Lets go of the sockets of all listeners, but for what workers have of them. */
  closeDoors(): void {
    for (const id of this.#specs.keys()) this.#doors.close(id);
  }
}
