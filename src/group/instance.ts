/** One instance of a group: started or taken over, started again when it ends by itself, stopped. */
import { randomUUID } from 'node:crypto';
import { messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { formatDuration } from '../lib/duration.ts';
import type { Logger } from '../lib/log.ts';
import { isSame } from '../lib/same.ts';
import type { GroupDisk, KeptInstance } from './disk.ts';
import { driverOf, type Ending, type Handle, type Launch, notStarted, type Running } from './drivers.ts';
import { membersOf } from './family.ts';
import { type Addresses, addressesOf, HeldSockets } from './held-sockets.ts';
import { LineSplitter } from './lines.ts';
import type { OutputFolder } from './output-files.ts';
import { claimPort, isPortFree, releasePort, reservePort } from './ports.ts';
import { nextRestart } from './restart.ts';
import type { Edition } from './rollout.ts';
import type { Template } from './spec.ts';
import { substitute } from './substitute.ts';
import { variablesOf } from './variables.ts';

export type InstanceState =
  | { mode: 'running'; since: number; pid: number | undefined }
  | { mode: 'waiting'; since: number; until: number; ending: string }
  | { mode: 'stopping'; since: number }
  | { mode: 'stopped'; since: number };

export interface InstanceView {
  /** `hello-3` */
  name: string;
  /** The same for as long as the instance is there, over restarts too; the program gets it as MUSTER_INSTANCE_ID. */
  id: string;
  /** By the names of the group's `ports`. */
  ports: Readonly<Record<string, number>>;
  /** The first of them: where its service is. */
  port: number | undefined;
  state: InstanceState;
  /** How often it was started again. */
  restarts: number;
  /** What its container's own health check says; undefined: it has none. */
  health?: string | undefined;
  /** Name of the node that it runs on; undefined: this one. */
  node?: string | undefined;
  /** What its node says that it has used; undefined: it runs on this one, or that is not known. */
  cpuSeconds?: number | undefined;
}

/** Where instances leave what a later run of Muster needs to take them over. */
export interface Keep {
  readonly disk: GroupDisk;
  readonly output: OutputFolder;
}

export interface InstanceDeps {
  clock: Clock;
  random: () => number;
  logger: Logger;
  /** What every instance finds in its environment, such as CONSUL_HTTP_ADDR. */
  env: Readonly<Record<string, string>>;
  /** By which the containers of this node are known as its own. */
  owner: string;
  /** Undefined: instances end with Muster, whatever ends that. */
  keep: Keep | undefined;
  output(instance: string, stream: 'stdout' | 'stderr', line: string): void;
  changed(view: InstanceView): void;
}

/** Lines of output that are repeated when an instance ends by itself. */
const LAST_LINES = 5;

/** Clients wait for the next start so long; when it is later they are refused, and may go elsewhere. ms. */
const LONGEST_WAIT = 1_000;

export class Instance {
  readonly name: string;
  readonly number: number;
  readonly id: string;
  readonly edition: number;
  /** When it came into the group, ms since the epoch. */
  readonly addedAt: number;
  readonly #group: string;
  #spec: Template;
  readonly #deps: InstanceDeps;
  readonly #ports: Record<string, number>;
  readonly #sockets = new HeldSockets();
  #state: InstanceState;
  #handle: Handle | undefined;
  /** What an earlier run of Muster knew its sockets by. */
  readonly #keptSockets: KeptInstance['sockets'];
  #leaving: boolean;
  #running: Running | undefined;
  #attempt = 0;
  #restarts: number;
  #stopping: Promise<void> | undefined;
  #released = false;
  #cancelWait: () => void = () => {};

  /** `kept`: what an earlier run of Muster knew of it; then it is to be adopted, else started. */
  constructor(
    group: string,
    edition: Edition,
    number: number,
    deps: InstanceDeps,
    { id, kept }: { id?: string | undefined; kept?: KeptInstance } = {},
  ) {
    const now = deps.clock.now();
    this.name = `${group}-${number}`;
    this.number = number;
    this.id = kept?.id ?? id ?? randomUUID();
    this.edition = edition.number;
    this.addedAt = kept?.addedAt ?? now;
    this.#group = group;
    this.#spec = edition.template;
    this.#deps = deps;
    this.#ports = { ...kept?.ports };
    this.#handle = kept?.handle;
    this.#keptSockets = kept?.sockets;
    this.#leaving = kept?.leaving ?? false;
    this.#restarts = kept?.restarts ?? 0;
    this.#state = { mode: 'stopped', since: kept?.since ?? now };
  }

  /** It gets no new requests and is about to end; a later run of Muster knows that too. */
  get leaving(): boolean {
    return this.#leaving;
  }

  /** To be called once. Throws `group.failed` when there is no free port. */
  async start(): Promise<void> {
    const { ports, portRange } = this.#spec;
    try {
      for (const name of ports) {
        const port = await reservePort(portRange, this.#deps.random());
        if (this.#stopping !== undefined) {
          releasePort(port);
          return;
        }
        this.#ports[name] = port;
      }
    } catch (error) {
      if (this.#stopping === undefined) this.#releasePorts();
      throw error;
    }
    // Before it runs: whatever happens now, a later run of Muster looks for it.
    await this.#keep();
    await this.#launch();
  }

  /** To be called once, in place of `start`. What ended meanwhile is started again if it is needed. */
  async adopt({ isNeeded }: { isNeeded: boolean }): Promise<void> {
    for (const port of Object.values(this.#ports)) claimPort(port);
    const { since } = this.#state;
    const { launch, watch } = this.#prepare();
    let running: Running | undefined;
    try {
      running = await driverOf(this.#spec).adopt(this.#handle, launch);
    } catch (error) {
      this.#deps.logger.error(`${this.name} could not be found again: ${messageOf(error)}`);
    }
    if (this.#stopping !== undefined) {
      running?.kill();
      return;
    }
    if (running === undefined) {
      if (!isNeeded) return;
      this.#deps.logger.warn(`${this.name} ended while Muster did not run; it is started again`);
      await this.#again();
      return;
    }
    this.#running = running;
    this.#become({ mode: 'running', since, pid: running.pid });
    watch(running, since);
    await this.#regainSockets(running.pid);
  }

  view(): InstanceView {
    return {
      name: this.name,
      id: this.id,
      ports: { ...this.#ports },
      port: this.#ports[this.#spec.ports[0] ?? ''],
      state: this.#state,
      restarts: this.#restarts,
      ...(this.#running?.health === undefined ? {} : { health: this.#running.health }),
    };
  }

  /** Connections that wait in its sockets for its process. */
  get waiting(): number {
    return this.#sockets.waiting;
  }

  leave(): void {
    this.#leaving = true;
    void this.#keep();
  }

  /** How it is ended and started again from now on. */
  describe({ stopTimeout, restart }: Pick<Template, 'stopTimeout' | 'restart'>): void {
    const next = { ...this.#spec, stopTimeout, restart };
    if (isSame(next, this.#spec)) return;
    this.#spec = next;
    void this.#keep();
  }

  /** SIGTERM, then SIGKILL after the group's stop timeout. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Ends it at once. */
  kill(): void {
    this.#running?.kill();
  }

  /** Lets go of it: it runs on until a later run of Muster adopts it. */
  release(): void {
    this.#released = true;
    this.#cancelWait();
    this.#running?.release();
    this.#sockets.close();
    this.#releasePorts();
  }

  async #stop(): Promise<void> {
    this.#cancelWait();
    this.#become({ mode: 'stopping', since: this.#deps.clock.now() });
    // The program takes what comes until it closes its own. Whoever came later would wait in ours for nobody.
    this.#sockets.close();
    await this.#running?.stop(this.#spec.stopTimeout);
    this.#releasePorts();
    const { keep } = this.#deps;
    keep?.output.remove(this.name);
    await keep?.disk.remove({ kind: 'instance', group: this.#group, number: this.number });
    this.#become({ mode: 'stopped', since: this.#deps.clock.now() });
  }

  #releasePorts(): void {
    for (const port of Object.values(this.#ports)) releasePort(port);
  }

  #addresses(): Addresses {
    const { listen, ports } = this.#spec;
    const { name, id } = this;
    const port = this.#ports[ports[0] ?? ''];
    return addressesOf(listen, variablesOf(this.#group, { name, id, ports: this.#ports, port }));
  }

  /** Those of a process that an earlier run of Muster started. */
  async #regainSockets(leader: number | undefined): Promise<void> {
    if (leader === undefined || this.#leaving || this.#spec.listen === undefined) return;
    const missing = await this.#sockets.regain(membersOf(leader), this.#keptSockets ?? {}, this.#addresses());
    if (this.#stopping !== undefined) this.#sockets.close();
    else if (missing.length > 0)
      this.#deps.logger.info(
        `${this.name} runs on, but Muster cannot have its sockets back (${missing.join(', ')}): they are held again from its next start`,
      );
  }

  #environment(): Record<string, string> {
    const driver = driverOf(this.#spec);
    const ports = driver.portsInside(this.#spec, this.#ports);
    const port = ports[this.#spec.ports[0] ?? ''];
    const { name, id } = this;
    const own = {
      ...driver.environment(),
      ...this.#deps.env,
      ...variablesOf(this.#group, { name, id, ports, port }),
    };
    for (const [name, value] of Object.entries(this.#spec.env)) own[name] = substitute(value, own);
    return own;
  }

  /** What the driver needs to know, and what is to be done once it runs. */
  #prepare(): { launch: Launch; watch: (running: Running, since: number) => void } {
    const { clock, output, keep } = this.#deps;
    const env = this.#environment();
    const last: string[] = [];
    const splitters = {
      stdout: new LineSplitter((line) => hear('stdout', line)),
      stderr: new LineSplitter((line) => hear('stderr', line)),
    };
    const hear = (stream: 'stdout' | 'stderr', line: string): void => {
      last.push(line);
      if (last.length > LAST_LINES) last.shift();
      output(this.name, stream, line);
    };
    return {
      launch: {
        name: this.name,
        id: this.id,
        owner: this.#deps.owner,
        template: this.#spec,
        command: this.#spec.command.map((part) => substitute(part, env)),
        env,
        ports: { ...this.#ports },
        sockets: this.#sockets.toHand(),
        output: (stream, chunk) => splitters[stream].write(chunk),
        keep: keep?.output,
        found: (handle) => {
          this.#handle = handle;
          void this.#keep();
        },
        changed: () => {
          const { mode, since } = this.#state;
          if (mode === 'running') this.#become({ mode, since, pid: this.#running?.pid });
        },
      },
      watch: (running, since) => {
        void running.ended.then((ending) => {
          if (this.#released) return;
          splitters.stdout.end();
          splitters.stderr.end();
          this.#ended(ending, clock.now() - since, last);
        });
      },
    };
  }

  async #launch(): Promise<void> {
    const fault = await this.#sockets.open(this.#addresses());
    if (this.#stopping !== undefined || this.#released) {
      this.#sockets.close();
      return;
    }
    const since = this.#deps.clock.now();
    const { launch, watch } = this.#prepare();
    const running = fault === undefined ? driverOf(this.#spec).launch(launch) : notStarted(fault);
    this.#running = running;
    this.#become({ mode: 'running', since, pid: running.pid });
    watch(running, since);
  }

  #ended(ending: Ending, uptime: number, last: readonly string[]): void {
    if (this.#stopping !== undefined) return;
    const { clock, logger, random } = this.#deps;
    const { isOpen } = this.#sockets;
    const { attempt, delay } = nextRestart(this.#spec.restart, this.#attempt, uptime, random(), isOpen);
    if (delay > LONGEST_WAIT) this.#sockets.close();
    this.#attempt = attempt;
    const how = describeEnding(ending);
    const said = last.map((line) => `\n    ${line}`).join('');
    logger.error(
      `${this.name} ${how}${ending.error === undefined ? ` after ${formatDuration(uptime)}` : ''}; start ${attempt + 1} ${delay === 0 ? 'at once' : `in ${formatDuration(delay)}`}${said === '' ? '' : `. Its last lines:${said}`}`,
    );
    const now = clock.now();
    this.#become({ mode: 'waiting', since: now, until: now + delay, ending: how });
    this.#cancelWait = clock.after(delay, () => void this.#again());
  }

  async #again(): Promise<void> {
    for (const [name, port] of Object.entries(this.#ports)) {
      if (this.#sockets.has(port) || (await isPortFree(port))) continue;
      try {
        this.#ports[name] = await reservePort(this.#spec.portRange, this.#deps.random());
        releasePort(port);
        this.#deps.logger.warn(
          `port ${port} of ${this.name} was taken meanwhile, it gets ${this.#ports[name]}`,
        );
      } catch {
        // No other port either: the program will say so itself, and is tried again.
      }
    }
    if (this.#stopping !== undefined || this.#released) return;
    this.#restarts++;
    await this.#launch();
  }

  async #keep(): Promise<void> {
    const { keep } = this.#deps;
    if (this.#released || this.#stopping !== undefined) return;
    await keep?.disk.put({
      kind: 'instance',
      group: this.#group,
      number: this.number,
      id: this.id,
      edition: this.edition,
      template: this.#spec,
      ports: { ...this.#ports },
      addedAt: this.addedAt,
      since: this.#state.since,
      restarts: this.#restarts,
      leaving: this.#leaving,
      ...(this.#sockets.isOpen ? { sockets: this.#sockets.inodes() } : {}),
      ...(this.#handle === undefined ? {} : { handle: this.#handle }),
    });
  }

  #become(state: InstanceState): void {
    this.#state = state;
    this.#deps.changed(this.view());
  }
}

function describeEnding({ code, signal, error }: Ending): string {
  if (error !== undefined) return `cannot be started: ${error}`;
  if (signal !== null) return `was ended by ${signal}`;
  return code === null ? 'ended' : `exited with code ${code}`;
}
