import type { Value } from '../language/index.ts';
import type { Context, FileToWrite } from './entry.ts';

export interface TestContext extends Context {
  /** By id of the dependency. */
  readonly values: Map<string, Value>;
  /** Ids of what was asked for, and of what was found wanting. */
  readonly asked: string[];
  readonly lacking: string[];
  readonly files: FileToWrite[];
}

/** What functions find around them in tests. */
export function testContext(more: Partial<Context> = {}): TestContext {
  const values = new Map<string, Value>();
  const asked: string[] = [];
  const lacking: string[] = [];
  const files: FileToWrite[] = [];
  return {
    values,
    asked,
    lacking,
    files,
    recall: ({ id }) => {
      asked.push(id);
      return values.get(id);
    },
    lack: ({ id }) => lacking.push(id),
    environment: () => undefined,
    now: () => Date.UTC(2024, 1, 3, 4, 5, 6, 789),
    random: () => 0.5,
    sandbox: '',
    execute: () => '',
    ask: () => undefined,
    write: (file) => files.push(file),
    scratch: new Map(),
    ...more,
  };
}
