import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { createLogger } from '../lib/log.ts';
import { soon } from '../lib/soon.test-support.ts';
import type { Value } from './language/index.ts';
import { Runner } from './runner.ts';
import type { RunnerOptions } from './runner-options.ts';
import { DEFAULT_TEMPLATE, type TemplateSettings } from './settings.ts';
import type { Follower, Source } from './sources/source.ts';

/** Values as a test says them. */
class TestSource implements Source {
  readonly followers = new Map<string, Follower>();

  follow({ id }: { id: string }, follower: Follower): () => void {
    this.followers.set(id, follower);
    return () => this.followers.delete(id);
  }

  /** Says a value, once somebody asks for it. */
  async say(id: string, value: Value): Promise<void> {
    await soon(() => expect([...this.followers.keys()]).toContain(id));
    this.followers.get(id)?.value(value);
  }

  /** Says that there is none. */
  async lack(id: string): Promise<void> {
    await soon(() => expect([...this.followers.keys()]).toContain(id));
    this.followers.get(id)?.absent?.();
  }

  async fail(id: string, why: string): Promise<void> {
    await soon(() => expect([...this.followers.keys()]).toContain(id));
    this.followers.get(id)?.trouble(new Error(why), 1_000);
  }
}

export let folder: string;
export let source: TestSource;
export let clock: ManualClock;
export let lines: string[];
let runners: Runner[];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-runner-'));
  source = new TestSource();
  clock = new ManualClock();
  lines = [];
  runners = [];
});
afterEach(async () => {
  for (const runner of runners) await runner.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

export const at = (name: string) => path.join(folder, name);
export const content = (name: string) => fs.readFileSync(at(name), 'utf8');
export const toSay = (text: RegExp) => soon(() => expect(lines.join('\n')).toMatch(text));
export const toBe = (name: string, text: string) =>
  soon(() => expect(fs.existsSync(at(name)) ? content(name) : undefined).toBe(text));

export function template(
  contents: string,
  out: string,
  more: Partial<TemplateSettings> = {},
): TemplateSettings {
  return { ...DEFAULT_TEMPLATE, source: undefined, contents, destination: at(out), ...more };
}

/** Starts a runner; the end of the test stops it. */
export function run(templates: TemplateSettings[], more: Partial<RunnerOptions> = {}): Runner {
  const runner = new Runner({
    templates,
    source,
    wait: undefined,
    once: false,
    print: undefined,
    child: undefined,
    variables: {},
    attempts: undefined,
    failOnAbsence: false,
    exitAfter: undefined,
    environment: {},
    clock,
    random: () => 0.5,
    log: createLogger({ level: 'debug', sink: ({ level, message }) => lines.push(`${level} ${message}`) }),
    ...more,
  });
  runners.push(runner);
  runner.start();
  return runner;
}

export const KEY = (name: string) => `kv.block(${name})`;
export const keyTemplate = (name: string) => `{{key "${name}"}}`;

/** A command that leaves a line each time that it runs. */
export const counted = (name: string) => [`echo ran >> ${at(name)}`];
export const runsOf = (name: string) => (fs.existsSync(at(name)) ? content(name).split('\n').length - 1 : 0);
