// @ts-check
// A Debian package of the built checkout. Node modules come with it, as those with native code are not in Debian.
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { inRoot } from '../support/paths.mjs';
import { runToEnd } from '../support/processes.mjs';
import { Failure } from '../support/say.mjs';
import { licenses } from './sbom.mjs';
import { layOut, manifest } from './tree.mjs';

/** Debian's names of what Node calls `process.arch`. @type {Readonly<Record<string, string>>} */
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64', arm: 'armhf' };

const MAINTAINER = 'The Muster authors <muster@example.invalid>';

/**
 * Builds it in `folder`; resolves with its path.
 * @param {string} folder
 * @param {{ level?: number }} [options] `level`: how much is done to make it small, 1 to 9
 */
export async function makeDeb(folder, { level = 9 } = {}) {
  const { version, description } = manifest();
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined) throw new Failure(`deb: no name for the architecture ${process.arch}`);
  const root = join(folder, 'deb');
  rmSync(root, { recursive: true, force: true });
  const place = (/** @type {string[]} */ ...parts) => {
    const path = join(root, ...parts);
    mkdirSync(join(path, '..'), { recursive: true });
    return path;
  };
  await layOut(place('usr/lib/muster'));
  symlinkSync('../lib/muster/bin/muster', place('usr/bin/muster'));
  for (const unit of readdirSync(inRoot('packaging/systemd')))
    cpSync(inRoot('packaging/systemd', unit), place('usr/lib/systemd/system', unit));
  cpSync(inRoot('packaging/debian/muster.toml'), place('etc/muster/muster.toml'));
  for (const page of readdirSync(inRoot('dist/man')))
    writeFileSync(place('usr/share/man/man1', `${page}.gz`), zipped(readFileSync(inRoot('dist/man', page))));
  cpSync(inRoot('dist/completions/muster.bash'), place('usr/share/bash-completion/completions/muster'));
  cpSync(inRoot('dist/completions/muster.zsh'), place('usr/share/zsh/vendor-completions/_muster'));
  cpSync(inRoot('dist/completions/muster.fish'), place('usr/share/fish/vendor_completions.d/muster.fish'));
  cpSync(inRoot('docs/reference'), place('usr/share/doc/muster/reference'), { recursive: true });
  cpSync(inRoot('packaging/observability'), place('usr/share/doc/muster/observability'), { recursive: true });
  writeFileSync(place('usr/share/doc/muster/changelog.gz'), zipped(readFileSync(inRoot('CHANGELOG.md'))));
  writeFileSync(place('usr/share/doc/muster/copyright'), licenses());
  // What `npm` needs there; here the pages and completions have places of their own.
  for (const name of ['man', 'completions'])
    rmSync(join(root, 'usr/lib/muster/dist', name), { recursive: true });

  const control = place('DEBIAN', 'control');
  writeFileSync(
    control,
    [
      'Package: muster',
      `Version: ${version}`,
      `Architecture: ${architecture}`,
      'Section: net',
      'Priority: optional',
      `Maintainer: ${MAINTAINER}`,
      `Installed-Size: ${await kilobytes(root)}`,
      'Depends: nodejs (>= 20.18), adduser',
      'Recommends: etcd-server',
      `Description: ${description.replace(/\.\s.*$/s, '')}`,
      ` ${description}`,
      '',
    ].join('\n'),
  );
  writeFileSync(place('DEBIAN', 'conffiles'), '/etc/muster/muster.toml\n');
  for (const script of ['postinst', 'prerm', 'postrm']) {
    cpSync(inRoot('packaging/debian', script), place('DEBIAN', script));
    chmodSync(place('DEBIAN', script), 0o755);
  }
  const target = join(folder, `muster_${version}_${architecture}.deb`);
  const { code, output } = await runToEnd('dpkg-deb', [
    '--root-owner-group',
    '-Zgzip',
    `-z${level}`,
    '--build',
    root,
    target,
  ]);
  rmSync(root, { recursive: true, force: true });
  if (code !== 0) throw new Failure(`deb: dpkg-deb failed\n${output}`);
  return target;
}

/** The same bytes whenever it is made. @param {Buffer} bytes */
function zipped(bytes) {
  return gzipSync(bytes, { level: 9 });
}

/** @param {string} root */
async function kilobytes(root) {
  const { output } = await runToEnd('du', ['-sk', root]);
  return Number.parseInt(output, 10);
}
