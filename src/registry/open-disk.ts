import type { Logger } from '../lib/log.ts';
import { type Environment, openEnvironment } from '../store/environment.ts';
import { type LocalDisk, localDiskIn } from './disk.ts';

export interface OpenedDisk extends LocalDisk {
  /** Where others may keep what is this node's own, until it is closed. */
  readonly environment: Environment;
}

/** Keeps the registrations in a directory of their own. Throws `store.unusable` when it cannot be used. */
export function openLocalDisk(path: string, log?: Logger): OpenedDisk {
  const environment = openEnvironment(path, log === undefined ? {} : { log });
  return { ...localDiskIn(environment), environment, close: () => environment.close() };
}
