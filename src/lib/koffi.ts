import { createRequire } from 'node:module';

/** Calls of C, at once; undefined where there is no build of it for this system. Who can wait imports it. */
export function koffiHere(): typeof import('koffi') | undefined {
  try {
    return createRequire(import.meta.url)('koffi') as typeof import('koffi');
  } catch {
    return undefined;
  }
}
