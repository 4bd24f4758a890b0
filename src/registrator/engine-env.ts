import { existsSync } from 'node:fs';

/** Where registrator's documentation mounts the socket into its container. */
const MOUNTED = '/tmp/docker.sock';
const USUAL = '/var/run/docker.sock';

/** The environment with a `DOCKER_HOST` that fits: people run registrator with the engine's socket at /tmp/docker.sock. */
export function engineEnv(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  if (env.DOCKER_HOST || existsSync(USUAL) || !existsSync(MOUNTED)) return env;
  return { ...env, DOCKER_HOST: `unix://${MOUNTED}` };
}
