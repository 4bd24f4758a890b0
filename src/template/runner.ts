/**
 * Keeps files as their templates say: follows what they need, renders when it changes, writes what differs, runs the
 * commands. One template's trouble is its own: it is named, the others go on, what was written last stays.
 */
import { messageOf } from '../errors.ts';
import { formatDuration } from '../lib/duration.ts';
import type { Logger } from '../lib/log.ts';
import { Child } from './child.ts';
import { howItEnded, runCommand } from './command.ts';
import type { Dependency } from './dependencies/dependency.ts';
import { Known } from './known.ts';
import { Quiescence } from './quiescence.ts';
import { Retry } from './retry.ts';
import type { RunnerEnd, RunnerOptions } from './runner-options.ts';
import { nameOf, type TemplateSettings } from './settings.ts';
import { type Rendering, TemplateUnit } from './unit.ts';
import { writeFile, writeOutput } from './write.ts';

/** How one template fares. Counts are since it is followed. */
export interface TemplateReport {
  /** Path of its file, which no other template has; its own name when it writes none. */
  readonly output: string;
  /** Its file is as it says; false while it fails or waits for what it needs. */
  readonly isUpToDate: boolean;
  readonly renders: number;
  readonly writes: number;
  readonly errors: number;
  /** Spent on carrying it out. */
  readonly milliseconds: number;
  /** When it was carried out whole last, ms since the epoch; undefined: never. */
  readonly renderedAt: number | undefined;
}

type Tally = {
  -readonly [Key in Exclude<keyof TemplateReport, 'output' | 'isUpToDate'>]: TemplateReport[Key];
};

interface State {
  readonly settings: TemplateSettings;
  readonly tally: Tally;
  /** Undefined while it cannot be parsed. */
  readonly unit: TemplateUnit | undefined;
  readonly used: Set<string>;
  readonly quiescence: Quiescence | undefined;
  readonly retry: Retry;
  /** It was whole once. */
  rendered: boolean;
  /** What is wrong with it now. */
  failure: string | undefined;
  /** What it waits for, as it was logged. */
  waiting: string;
}

export class Runner {
  readonly #options: RunnerOptions;
  readonly #log: Logger;
  readonly #known: Known;
  /** What `env` of templates sees. */
  readonly #environment: ReadonlyMap<string, string | undefined>;
  readonly #child: Child | undefined;
  #childRuns = false;
  #states: State[] = [];
  readonly #dirty = new Set<State>();
  /** Commands that are to run, by their words, in the order of their templates. */
  readonly #due = new Map<string, TemplateSettings>();
  #commandsRun = false;
  /** A file, since the child was told. */
  #anyChanged = false;
  #running = false;
  readonly #stopping = new AbortController();
  #awaySince: number | undefined;
  readonly #failures: string[] = [];
  /** By output: they outlive a reload. */
  readonly #tallies = new Map<string, Tally>();
  /** Questions to the registry that were not answered. */
  sourceErrors = 0;
  #end: (end: RunnerEnd) => void = () => {};
  /** Resolves when there is nothing left to do, or no point in going on. */
  readonly ended: Promise<RunnerEnd>;
  #becomeReady: () => void = () => {};
  /** Resolves when each template was rendered for the first time. */
  readonly ready: Promise<void>;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#environment = new Map(Object.entries({ ...options.environment, ...options.variables }));
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.ready = new Promise((resolve) => {
      this.#becomeReady = resolve;
    });
    this.#known = new Known(options.source, {
      changed: (id) => this.#changed(id),
      trouble: (id, error, attempts, delay) => this.#trouble(id, error, attempts, delay),
      mended: (id) => {
        this.#awaySince = undefined;
        this.#log.info(`${id} is answered again`);
      },
      absent: (id) => {
        if (options.failOnAbsence)
          this.#end({
            kind: 'failed',
            message: `${id}: there is no such key, and err_on_failed_lookup is set`,
          });
      },
    });
    const { child } = options;
    this.#child =
      child === undefined
        ? undefined
        : new Child(child, options, {
            exited: (code) => this.#end({ kind: 'child', code }),
            failed: (message) => this.#end({ kind: 'failed', message }),
          });
  }

  reports(): TemplateReport[] {
    return this.#states.map(({ settings, rendered, failure, waiting, tally }) => ({
      output: outputOf(settings),
      isUpToDate: rendered && failure === undefined && waiting === '',
      ...tally,
    }));
  }

  start(): void {
    this.#states = this.#options.templates.map((settings) => this.#stateOf(settings));
    for (const state of this.#states) this.#dirty.add(state);
    this.#schedule();
  }

  /** Takes other templates in the place of those there are; one that does not parse any more stays as it was. */
  reload(templates: readonly TemplateSettings[]): void {
    const before = this.#states;
    const names = new Set(templates.map(outputOf));
    for (const name of this.#tallies.keys()) if (!names.has(name)) this.#tallies.delete(name);
    this.#states = templates.map((settings) => {
      const state = this.#stateOf(settings);
      const old = before.find(({ settings: other }) => other.destination === settings.destination);
      return state.unit === undefined && old?.unit !== undefined ? old : state;
    });
    for (const state of before) if (!this.#states.includes(state)) rest(state);
    this.#dirty.clear();
    for (const state of this.#states) this.#dirty.add(state);
    this.#schedule();
  }

  /** Hands a signal on to the child. */
  signal(signal: NodeJS.Signals): boolean {
    if (!this.#childRuns) return false;
    this.#child?.signal(signal);
    return true;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const state of this.#states) rest(state);
    this.#known.stop();
    await this.#child?.stop();
  }

  #stateOf(settings: TemplateSettings): State {
    const { clock, random, once } = this.#options;
    const wait = once ? undefined : (settings.wait ?? this.#options.wait);
    let unit: TemplateUnit | undefined;
    let failure: string | undefined;
    try {
      unit = new TemplateUnit(settings, {
        valueOf: (id) => this.#known.valueOf(id),
        environment: (name) => this.#environment.get(name),
        now: () => clock.now(),
        random,
      });
    } catch (error) {
      failure = messageOf(error);
      this.#fail(settings, `parse: ${failure}`);
    }
    const again = () => {
      this.#dirty.add(state);
      this.#schedule();
    };
    const state: State = {
      settings,
      tally: this.#tallyOf(settings),
      unit,
      used: new Set(),
      quiescence: wait === undefined || wait.min === 0 ? undefined : new Quiescence(wait, clock, again),
      retry: new Retry(clock, random, again),
      rendered: false,
      failure,
      waiting: '',
    };
    return state;
  }

  #tallyOf(settings: TemplateSettings): Tally {
    const name = outputOf(settings);
    const known = this.#tallies.get(name);
    if (known !== undefined) return known;
    const tally = { renders: 0, writes: 0, errors: 0, milliseconds: 0, renderedAt: undefined };
    this.#tallies.set(name, tally);
    return tally;
  }

  #changed(id: string): void {
    for (const state of this.#states) {
      if (!state.used.has(id)) continue;
      // What was rendered once is not rendered again, while others still wait.
      if (state.rendered && this.#options.once) continue;
      if (state.rendered && state.quiescence !== undefined) state.quiescence.changed();
      else this.#dirty.add(state);
    }
    this.#schedule();
  }

  #trouble(id: string, error: unknown, attempts: number, delay: number): void {
    const { attempts: most, exitAfter, clock } = this.#options;
    this.sourceErrors++;
    // Each time that the number of attempts has doubled: enough to see that it is not over.
    if ((attempts & (attempts - 1)) === 0)
      this.#log.warn(
        `${id}: ${messageOf(error)} (attempt ${attempts}; the next one in ${formatDuration(delay)})`,
      );
    this.#awaySince ??= clock.now();
    const tooLong = exitAfter !== undefined && clock.now() - this.#awaySince >= exitAfter;
    if (tooLong || (most !== undefined && attempts >= most))
      this.#end({
        kind: 'failed',
        message: `${id}: ${messageOf(error)}; given up after ${attempts} attempts`,
      });
  }

  #schedule(): void {
    if (this.#running || this.#stopping.signal.aborted) return;
    this.#running = true;
    // What changes in one tick is rendered once.
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#dirty.size > 0 && !this.#stopping.signal.aborted) {
      // In the order in which they were given, which is that of their commands then.
      const state = this.#states.find((one) => this.#dirty.has(one));
      if (state === undefined) break;
      this.#dirty.delete(state);
      if (await this.#render(state)) {
        this.#anyChanged = true;
        const { command } = state.settings;
        // The same command for several templates runs once.
        if (command.length > 0) this.#due.set(JSON.stringify(command), state.settings);
      }
    }
    this.#known.keepOnly(new Set(this.#states.flatMap(({ used }) => [...used])));
    const ended = this.#runCommands();
    if (this.#options.once) await ended;
    this.#running = false;
    if (this.#dirty.size > 0) this.#schedule();
  }

  /** Those that are due, one after the other. Files go on being written meanwhile: a command that hangs keeps none of them waiting. */
  async #runCommands(): Promise<void> {
    if (this.#commandsRun) return;
    this.#commandsRun = true;
    for (const [key, settings] of this.#due) {
      if (this.#stopping.signal.aborted) break;
      this.#due.delete(key);
      const ended = this.#command(settings);
      if (settings.commandTimeout > 0 || this.#options.once) await ended;
    }
    this.#commandsRun = false;
    if (this.#stopping.signal.aborted) return;
    const anyChanged = this.#anyChanged;
    this.#anyChanged = false;
    this.#afterRun(anyChanged);
  }

  /** True when its file has changed. */
  async #render(state: State): Promise<boolean> {
    const { unit, settings, tally } = state;
    if (unit === undefined) return false;
    let rendering: Rendering;
    const began = performance.now();
    try {
      rendering = await unit.renderAsking(this.#stopping.signal);
    } catch (error) {
      this.#failed(state, `execute: ${messageOf(error)}`);
      // Other values of what it was given may do.
      this.#follow(state, unit.used);
      return false;
    } finally {
      tally.milliseconds += performance.now() - began;
    }
    if (this.#stopping.signal.aborted) return false;
    this.#follow(state, rendering.used);
    if (rendering.missing.length > 0) {
      this.#waits(state, rendering.missing);
      return false;
    }
    state.waiting = '';
    state.quiescence?.stop();
    try {
      const changed = await this.#write(rendering, settings);
      state.retry.stop();
      state.rendered = true;
      state.failure = undefined;
      tally.renders++;
      tally.renderedAt = this.#options.clock.now();
      if (changed) tally.writes++;
      return changed;
    } catch (error) {
      const message = messageOf(error);
      // Each kind of trouble is told once, however often it is tried.
      if (message === state.failure) tally.errors++;
      else this.#failed(state, message);
      if (!this.#options.once) state.retry.failed();
      return false;
    }
  }

  #follow({ used }: State, dependencies: readonly Dependency[]): void {
    used.clear();
    for (const dependency of dependencies) {
      used.add(dependency.id);
      this.#known.follow(dependency);
    }
  }

  async #write({ text, files }: Rendering, settings: TemplateSettings): Promise<boolean> {
    const { print } = this.#options;
    if (print !== undefined) {
      print(`> ${settings.destination}\n${text}`);
      return false;
    }
    for (const file of files) await writeFile(file);
    const changed = settings.destination === '' ? false : await writeOutput(text, settings);
    if (changed) this.#log.info(`${nameOf(settings)}: ${settings.destination} was written`);
    return changed;
  }

  #waits(state: State, missing: readonly string[]): void {
    const now = missing.join(', ');
    if (now !== state.waiting) this.#log.debug(`${nameOf(state.settings)}: waits for ${now}`);
    state.waiting = now;
  }

  #failed(state: State, message: string): void {
    state.failure = message;
    this.#fail(state.settings, message);
  }

  #fail(settings: TemplateSettings, message: string): void {
    const text = `${nameOf(settings)}: ${message}`;
    this.#log.error(text);
    this.#tallyOf(settings).errors++;
    if (this.#options.once) this.#failures.push(text);
    if (settings.errorFatal && !this.#options.once) this.#end({ kind: 'failed', message: text });
  }

  async #command(settings: TemplateSettings): Promise<void> {
    const { command, commandTimeout: timeout, commandEnvironment: environment } = settings;
    const { variables: extra } = this.#options;
    const { code } = await runCommand(command, { timeout, environment, keepsOutput: false, extra });
    if (code !== 0)
      this.#fail(settings, `the command ${JSON.stringify(command.join(' '))} ${howItEnded(code, timeout)}`);
  }

  /** Everything that could be done is done for now. */
  #afterRun(anyChanged: boolean): void {
    const settled = this.#states.every(({ rendered, failure }) => rendered || failure !== undefined);
    const { once } = this.#options;
    if (once && settled && this.#failures.length > 0) {
      this.#end({ kind: 'failed', message: this.#failures.join('\n') });
      return;
    }
    if (!this.#states.every(({ rendered }) => rendered)) return;
    this.#becomeReady();
    if (this.#child !== undefined) {
      if (!this.#childRuns) {
        this.#childRuns = true;
        this.#child.start();
      } else if (anyChanged) this.#child.reload();
    } else if (once) this.#end({ kind: 'done' });
    if (once) this.#known.stop();
  }
}

/** Nothing of it is to happen any more. */
function rest({ quiescence, retry }: State): void {
  quiescence?.stop();
  retry.stop();
}

function outputOf(settings: TemplateSettings): string {
  return settings.destination || nameOf(settings);
}
