import { readdirSync, readFileSync } from 'node:fs';

/** Numbers of what a process has started, and of what that has: those that are still somebody's children. Linux; elsewhere none is known. */
export function descendantsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').match(/\d+/g) ?? [])
      .map(Number)
      .flatMap((child) => [child, ...descendantsOf(child)]);
  } catch {
    return [];
  }
}
