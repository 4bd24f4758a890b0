/** When processes end that are not our children: looked at again and again, since the system tells only parents. */
import { isAlive, type ProcessIdentity } from './proc.ts';

/** In ms. */
const LOOK = 100;

const watched = new Map<ProcessIdentity, () => void>();
let timer: NodeJS.Timeout | undefined;

/** Resolves when it has ended. Does not keep this program from ending. */
export function exitOf(process: ProcessIdentity): Promise<void> {
  return new Promise((resolve) => {
    watched.set(process, resolve);
    if (timer !== undefined) return;
    timer = setInterval(look, LOOK);
    timer.unref();
  });
}

function look(): void {
  for (const [process, ended] of watched) {
    if (isAlive(process)) continue;
    watched.delete(process);
    ended();
  }
  if (watched.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
