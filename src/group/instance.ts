/** One instance of a group: started, started again when it ends by itself, stopped. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { formatDuration } from '../lib/duration.ts';
import type { Logger } from '../lib/log.ts';
import { DRIVERS, type Ending, type Running } from './drivers.ts';
import { LineSplitter } from './lines.ts';
import { isPortFree, releasePort, reservePort } from './ports.ts';
import { nextRestart } from './restart.ts';
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
}

export interface InstanceDeps {
  clock: Clock;
  random: () => number;
  logger: Logger;
  /** What every instance finds in its environment, such as CONSUL_HTTP_ADDR. */
  env: Readonly<Record<string, string>>;
  output(instance: string, stream: 'stdout' | 'stderr', line: string): void;
  changed(view: InstanceView): void;
}

/** Lines of output that are repeated when an instance ends by itself. */
const LAST_LINES = 5;

export class Instance {
  readonly name: string;
  readonly number: number;
  readonly id = randomUUID();
  readonly #group: string;
  readonly #spec: Template;
  readonly #deps: InstanceDeps;
  readonly #ports: Record<string, number> = {};
  #state: InstanceState;
  #running: Running | undefined;
  #attempt = 0;
  #restarts = 0;
  #stopping: Promise<void> | undefined;
  #cancelWait: () => void = () => {};

  constructor(group: string, template: Template, number: number, deps: InstanceDeps) {
    this.name = `${group}-${number}`;
    this.number = number;
    this.#group = group;
    this.#spec = template;
    this.#deps = deps;
    this.#state = { mode: 'stopped', since: deps.clock.now() };
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
    this.#launch();
  }

  view(): InstanceView {
    return {
      name: this.name,
      id: this.id,
      ports: { ...this.#ports },
      port: this.#ports[this.#spec.ports[0] ?? ''],
      state: this.#state,
      restarts: this.#restarts,
    };
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

  async #stop(): Promise<void> {
    this.#cancelWait();
    this.#become({ mode: 'stopping', since: this.#deps.clock.now() });
    await this.#running?.stop(this.#spec.stopTimeout);
    this.#releasePorts();
    this.#become({ mode: 'stopped', since: this.#deps.clock.now() });
  }

  #releasePorts(): void {
    for (const port of Object.values(this.#ports)) releasePort(port);
  }

  #environment(): Record<string, string> {
    const own = { ...this.#deps.env, ...variablesOf(this.#group, this.view()) };
    for (const [name, value] of Object.entries(this.#spec.env)) own[name] = substitute(value, own);
    return own;
  }

  #launch(): void {
    const { clock, output } = this.#deps;
    const env = this.#environment();
    const last: string[] = [];
    const splitters = {
      stdout: new LineSplitter((line) => keep('stdout', line)),
      stderr: new LineSplitter((line) => keep('stderr', line)),
    };
    const keep = (stream: 'stdout' | 'stderr', line: string): void => {
      last.push(line);
      if (last.length > LAST_LINES) last.shift();
      output(this.name, stream, line);
    };
    const since = clock.now();
    const running = DRIVERS[this.#spec.driver]({
      command: this.#spec.command.map((part) => substitute(part, env)),
      cwd: this.#spec.cwd,
      env,
      output: (stream, chunk) => splitters[stream].write(chunk),
    });
    this.#running = running;
    this.#become({ mode: 'running', since, pid: running.pid });
    void running.ended.then((ending) => {
      splitters.stdout.end();
      splitters.stderr.end();
      this.#ended(ending, clock.now() - since, last);
    });
  }

  #ended(ending: Ending, uptime: number, last: readonly string[]): void {
    if (this.#stopping !== undefined) return;
    const { clock, logger, random } = this.#deps;
    const { attempt, delay } = nextRestart(this.#spec.restart, this.#attempt, uptime, random());
    this.#attempt = attempt;
    const how = describeEnding(ending);
    const said = last.map((line) => `\n    ${line}`).join('');
    logger.error(
      `${this.name} ${how}${ending.error === undefined ? ` after ${formatDuration(uptime)}` : ''}; start ${attempt + 1} in ${formatDuration(delay)}${said === '' ? '' : `. Its last lines:${said}`}`,
    );
    const now = clock.now();
    this.#become({ mode: 'waiting', since: now, until: now + delay, ending: how });
    this.#cancelWait = clock.after(delay, () => void this.#again());
  }

  async #again(): Promise<void> {
    for (const [name, port] of Object.entries(this.#ports)) {
      if (await isPortFree(port)) continue;
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
    if (this.#stopping !== undefined) return;
    this.#restarts++;
    this.#launch();
  }

  #become(state: InstanceState): void {
    this.#state = state;
    this.#deps.changed(this.view());
  }
}

function describeEnding({ code, signal, error }: Ending): string {
  if (error !== undefined) return `cannot be started: ${error}`;
  return signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
}
