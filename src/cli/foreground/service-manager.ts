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
