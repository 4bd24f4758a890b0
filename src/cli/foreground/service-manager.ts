/** What systemd is told where it asks for it (Type=notify, sd_notify(3)). */
import { loadDescriptors } from '../../lib/descriptors.ts';

/** Whether there is somebody who has to be told which process is the main one, and then minds it. */
export function isSupervised(env: NodeJS.ProcessEnv = process.env): boolean {
  return (env.NOTIFY_SOCKET ?? '') !== '';
}

/** E.g. "READY=1". Without a service manager nothing happens. */
export async function tellServiceManager(state: string, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const path = env.NOTIFY_SOCKET ?? '';
  if (path === '') return;
  const { tell } = await loadDescriptors();
  tell(path, state);
}

/**
 * Says again and again that this process is alive, where the service manager asks for it (WatchdogSec=), which starts one
 * anew that stands still: a main thread that is stuck says nothing. WATCHDOG_PID is not looked at, as a process that took
 * over has another one; of others nothing is heard (NotifyAccess=main).
 */
export function keepWatchdog(env: NodeJS.ProcessEnv = process.env): void {
  const every = Number(env.WATCHDOG_USEC ?? 0) / 1000 / 2;
  if (!isSupervised(env) || !(every > 0)) return;
  // What cannot be told is noticed on the other side.
  setInterval(() => void tellServiceManager('WATCHDOG=1', env).catch(() => {}), every).unref();
}
