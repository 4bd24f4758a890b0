// @ts-check
// A container image on a base of Debian, made without a registry: debootstrap for the base, this machine's Node in it.
import { chmodSync, cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findCommand, inRoot } from '../support/paths.mjs';
import { runToEnd, until } from '../support/processes.mjs';
import { Failure, step } from '../support/say.mjs';
import { layOut, manifest } from './tree.mjs';

/** What Node's own builds are linked with, besides libc. */
const INCLUDED = 'libstdc++6,libatomic1,ca-certificates';
const SUITE = 'bookworm';
const MIRROR = process.env.DEBIAN_MIRROR ?? 'http://deb.debian.org/debian';

/** @param {string} command @param {string[]} args @param {Record<string, string>} [env] */
async function must(command, args, env = {}) {
  const { code, output } = await runToEnd(command, args, { env });
  if (code !== 0) throw new Failure(`image: ${command} ${args[0]} failed\n${output.slice(-4000)}`);
  return output;
}

/**
 * Builds `tag` with the engine at `host` (DOCKER_HOST; the usual one unless given). Resolves with the tag.
 * @param {string} folder @param {{ host?: string, tag?: string }} [options]
 */
export async function makeImage(folder, { host, tag = `muster:${manifest().version}` } = {}) {
  const base = join(folder, 'base');
  const context = join(folder, 'context');
  const env = /** @type {Record<string, string>} */ (host === undefined ? {} : { DOCKER_HOST: host });
  if (findCommand('debootstrap') === undefined)
    throw new Failure('image: this needs debootstrap: apt-get install debootstrap');
  rmSync(base, { recursive: true, force: true });
  rmSync(context, { recursive: true, force: true });
  await step('image', `a base of ${SUITE}`, () =>
    must('debootstrap', ['--variant=minbase', `--include=${INCLUDED}`, SUITE, base, MIRROR]),
  );
  for (const path of [
    'var/cache/apt',
    'var/lib/apt/lists',
    'usr/share/doc',
    'usr/share/man',
    'usr/share/locale',
  ])
    rmSync(join(base, path), { recursive: true, force: true });
  cpSync(process.execPath, join(base, 'usr/bin/node'), { dereference: true });
  chmodSync(join(base, 'usr/bin/node'), 0o755);
  await withLibraries(base);
  await step('image', 'importing it', async () => {
    await must('sh', ['-c', `tar -C "$1" -c . | docker import - muster-base:${SUITE}`, 'sh', base], env);
  });
  rmSync(base, { recursive: true, force: true });
  mkdirSync(context, { recursive: true });
  await layOut(join(context, 'muster'));
  cpSync(inRoot('packaging/docker/Dockerfile'), join(context, 'Dockerfile'));
  await step('image', `building ${tag}`, () =>
    must(
      'docker',
      ['build', '--network=none', '-t', tag, '--build-arg', `BASE=muster-base:${SUITE}`, context],
      {
        ...env,
        // The older builder needs no plugin.
        DOCKER_BUILDKIT: '0',
      },
    ),
  );
  rmSync(context, { recursive: true, force: true });
  return tag;
}

/** A Node of the distribution is linked with libraries of its own: those that the base lacks. @param {string} base */
async function withLibraries(base) {
  const { output } = await runToEnd('ldd', [process.execPath]);
  for (const [, path = ''] of output.matchAll(/=> (\/\S+)/g)) {
    const target = join(base, path);
    mkdirSync(join(target, '..'), { recursive: true });
    cpSync(path, target, { dereference: true, force: false, errorOnExist: false });
  }
}

/** Starts it once: it must become healthy, and not be root. @param {string} tag @param {{ host?: string }} [options] */
export async function tryImage(tag, { host } = {}) {
  const env = /** @type {Record<string, string>} */ (host === undefined ? {} : { DOCKER_HOST: host });
  // On this machine's network: the engine of a build machine often has none of its own.
  const id =
    (await must('docker', ['run', '-d', '--network=host', tag], env)).trim().split('\n').at(-1) ?? '';
  try {
    await until(
      'the image to be healthy',
      async () =>
        (
          await runToEnd('docker', ['inspect', '-f', '{{.State.Health.Status}}', id], { env })
        ).output.trim() === 'healthy',
      { ms: 60_000, every: 500 },
    );
    const user = await must('docker', ['exec', id, 'id', '-u'], env);
    if (user.trim() === '0') throw new Failure('image: it runs as root');
    const members = await must('docker', ['exec', id, 'muster', 'members'], env);
    if (!members.includes('alive')) throw new Failure(`image: no member is alive\n${members}`);
    await must('docker', ['stop', '-t', '40', id], env);
    const exit = await must('docker', ['inspect', '-f', '{{.State.ExitCode}}', id], env);
    if (exit.trim() !== '0') throw new Failure(`image: it ended with ${exit.trim()} after SIGTERM`);
  } finally {
    await runToEnd('docker', ['rm', '-f', id], { env });
  }
}
