/** One template with its functions: what it renders to out of what is known, and what it would need besides. */
import fs from 'node:fs';
import { fileTrouble, MusterError } from '../errors.ts';
import type { Dependency } from './dependencies/dependency.ts';
import type { FileToWrite } from './functions/entry.ts';
import { functionsFor } from './functions/table.ts';
import { fromBytes, Template, type Value, ValueError } from './language/index.ts';
import { type PluginCall, type PluginResult, pluginCall, runPlugin } from './plugin.ts';
import { nameOf, type TemplateSettings } from './settings.ts';

export interface Surroundings {
  /** Undefined while it is not known. */
  valueOf(id: string): Value | undefined;
  environment(name: string): string | undefined;
  now(): number;
  random(): number;
}

export interface Rendering {
  /** What the template asked for. */
  readonly used: readonly Dependency[];
  /** Why it cannot be written yet: names of dependencies. Empty when `text` is the whole. */
  readonly missing: readonly string[];
  readonly text: string;
  /** Files that the template itself wants to be written. */
  readonly files: readonly FileToWrite[];
}

/** Of programs that are asked with what other programs answered. */
const MOST_PASSES = 32;
const NO_ANSWERS: ReadonlyMap<string, PluginResult> = new Map();

export class TemplateUnit {
  readonly settings: TemplateSettings;
  readonly name: string;
  readonly #template: Template;
  readonly #surroundings: Surroundings;
  readonly #used = new Map<string, Dependency>();
  readonly #missing = new Set<string>();
  readonly #plugins = new Map<string, PluginCall>();
  readonly #scratch = new Map<string, Value>();
  #files: FileToWrite[] = [];
  #answers = NO_ANSWERS;

  /** Throws `template.invalid` for a text that is no template, `config.unreadable` for a file that cannot be read. */
  constructor(settings: TemplateSettings, surroundings: Surroundings) {
    this.settings = settings;
    this.name = nameOf(settings);
    this.#surroundings = surroundings;
    this.#template = new Template(this.name, settings.contents ?? read(settings.source ?? ''), {
      functions: functionsFor(
        {
          recall: (dependency) => this.#recall(dependency),
          lack: (dependency) => this.#missing.add(dependency.id),
          environment: surroundings.environment,
          now: surroundings.now,
          random: surroundings.random,
          sandbox: settings.sandboxPath,
          ask: (program, words) => this.#ask(program, words),
          execute: (name, data) => this.#template.execute(data, name),
          write: (file) => this.#files.push(file),
          scratch: this.#scratch,
        },
        settings.functionDenylist,
      ),
      delimiters: settings.delimiters,
      missingKey: settings.errorOnMissingKey ? 'error' : 'zero',
    });
  }

  /** What it asked for when it was carried out last, also if that failed. */
  get used(): readonly Dependency[] {
    return [...this.#used.values()];
  }

  /** `render`, with what the programs answer that the template asks: each is asked once, when nothing else is missing. `signal` ends them. */
  async renderAsking(signal: AbortSignal): Promise<Rendering> {
    const answers = new Map<string, PluginResult>();
    for (let pass = 0; pass < MOST_PASSES; pass++) {
      const rendering = this.render(answers);
      if (rendering.missing.length > 0 || this.#plugins.size === 0) return rendering;
      for (const call of this.#plugins.values()) answers.set(call.id, await runPlugin(call, signal));
      // They were ended, which is no answer.
      if (signal.aborted) return rendering;
    }
    throw new MusterError(
      'template.invalid',
      `plugin is called with other words each time (${[...answers.keys()].at(-1)}): give it what does not change`,
    );
  }

  /**
   * Carries the template out with what programs answered so far. Throws `template.invalid` with the place when it fails,
   * unless something is missing: a template that was given nothing may well stumble over it.
   */
  render(answers: ReadonlyMap<string, PluginResult> = NO_ANSWERS): Rendering {
    this.#answers = answers;
    this.#used.clear();
    this.#missing.clear();
    this.#plugins.clear();
    this.#scratch.clear();
    this.#files = [];
    let text = '';
    try {
      text = this.#template.execute();
    } catch (error) {
      if (this.#missing.size === 0 && this.#plugins.size === 0) throw error;
    }
    return { used: this.used, missing: [...this.#missing], text, files: this.#files };
  }

  #ask(program: string, words: readonly string[]): string | undefined {
    const call = pluginCall(program, words);
    const answer = this.#answers.get(call.id);
    if (answer === undefined) this.#plugins.set(call.id, call);
    else if ('failure' in answer) throw new ValueError(answer.failure);
    return answer?.value;
  }

  #recall(dependency: Dependency): Value | undefined {
    this.#used.set(dependency.id, dependency);
    const value = this.#surroundings.valueOf(dependency.id);
    const { minEntries } = this.settings;
    const isShort = dependency.kind === 'service' && Array.isArray(value) && value.length < minEntries;
    if (value === undefined || isShort) this.#missing.add(dependency.id);
    return value;
  }
}

function read(source: string): string {
  try {
    // Bytes that are no UTF-8 go through as they are.
    return fromBytes(fs.readFileSync(source));
  } catch (cause) {
    throw new MusterError('config.unreadable', `cannot read the template ${source}: ${fileTrouble(cause)}`, {
      cause,
    });
  }
}
