/** Files that templates read, looked at again and again: a watch would miss what is mounted or replaced. */
import fs from 'node:fs';
import { fileTrouble } from '../../errors.ts';
import { fromBytes } from '../language/index.ts';
import type { Follower } from './source.ts';

/** Between two looks (ms). */
const INTERVAL = 1000;

export function followFile(path: string, follower: Follower): () => void {
  let seen: string | undefined;
  const look = (): void => {
    try {
      const { mtimeMs, size, ino } = fs.statSync(path);
      const now = `${mtimeMs} ${size} ${ino}`;
      if (now === seen) return;
      follower.value(fromBytes(fs.readFileSync(path)));
      seen = now;
    } catch (cause) {
      follower.trouble(new Error(`cannot read ${path}: ${fileTrouble(cause)}`), INTERVAL);
      seen = undefined;
    }
  };
  look();
  const timer = setInterval(look, INTERVAL);
  return () => clearInterval(timer);
}
