// @ts-check
// What is inside, with licences: a bill of materials in CycloneDX's format, and the licences' texts.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot } from '../support/paths.mjs';
import { Failure } from '../support/say.mjs';
import { locked, manifest } from './tree.mjs';

/** Needed to build only, but part of what is built: the program and the dashboard's script hold them. */
const BUNDLED = ['preact', 'smol-toml', 'uplot', 'yaml', 'zod'].map((name) => `node_modules/${name}`);

/** Licences under which the package may be passed on as it is. */
const ALLOWED = new Set([
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
]);

/** @param {string} folder "node_modules/@a/b" → "@a/b" */
const nameOf = (folder) => folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** @param {string} name @param {string} version */
const purl = (name, version) => `pkg:npm/${name.replace('@', '%40')}@${version}`;

function shipped() {
  const all = locked();
  return Object.entries(all)
    .filter(([folder, { dev }]) => dev !== true || BUNDLED.includes(folder))
    .map(([folder, row]) => ({ folder, name: nameOf(folder), ...row }))
    .sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

/** The licence as an identifier of SPDX, from the lock file or the module itself. @param {ReturnType<typeof shipped>[number]} row */
function licenseOf({ folder, license }) {
  if (license !== undefined) return license;
  const path = inRoot(folder, 'package.json');
  const own = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).license : undefined;
  if (typeof own !== 'string') throw new Failure(`sbom: ${folder} does not say its licence`);
  return own;
}

/** Each licence that is not among those that may be passed on, with the module. */
export function unusualLicenses() {
  return shipped()
    .map((row) => ({ name: row.name, license: licenseOf(row) }))
    .filter(
      ({ license }) =>
        !license
          .replace(/[()]/g, '')
          .split(/ OR /)
          .some((one) => ALLOWED.has(one)),
    );
}

/** CycloneDX 1.6. The same for the same lock file, but for `time`. @param {string} time RFC 3339 */
export function bill(time) {
  const { name, version, description, license } = manifest();
  const rows = shipped();
  const byName = new Map(rows.map((row) => [row.name, row]));
  const reference = purl(name, version);
  const needs = (/** @type {Record<string, string> | undefined} */ wanted) =>
    Object.keys(wanted ?? {}).flatMap((one) => {
      const row = byName.get(one);
      return row === undefined ? [] : [purl(row.name, row.version)];
    });
  const root = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(readFileSync(inRoot('package-lock.json')))}`,
    version: 1,
    metadata: {
      timestamp: time,
      component: {
        type: 'application',
        'bom-ref': reference,
        name,
        version,
        description,
        purl: reference,
        licenses: [{ license: { id: license } }],
      },
    },
    components: rows.map((row) => {
      const said = licenseOf(row);
      return {
        type: 'library',
        'bom-ref': purl(row.name, row.version),
        name: row.name,
        version: row.version,
        purl: purl(row.name, row.version),
        scope: row.optional === true ? 'optional' : 'required',
        licenses: [/ (?:OR|AND) /.test(said) ? { expression: said } : { license: { id: said } }],
        ...(row.integrity === undefined ? {} : { hashes: hashesOf(row.integrity) }),
      };
    }),
    dependencies: [
      {
        ref: reference,
        dependsOn: [...needs(root.dependencies), ...BUNDLED.flatMap((one) => needs({ [nameOf(one)]: '' }))],
      },
      ...rows.map((row) => ({
        ref: purl(row.name, row.version),
        dependsOn: [...needs(row.dependencies), ...needs(row.optionalDependencies)],
      })),
    ],
  };
}

/** @param {string} integrity "sha512-…" in base64, several with spaces between */
function hashesOf(integrity) {
  return integrity.split(' ').map((one) => {
    const [kind = '', digest = ''] = one.split(/-(.*)/s);
    return { alg: kind.replace('sha', 'SHA-'), content: Buffer.from(digest, 'base64').toString('hex') };
  });
}

/** A UUID that stays the same for the same bytes. @param {Buffer} bytes */
function uuidOf(bytes) {
  const hex = createHash('sha256').update(bytes).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The texts of the licences of all that is shipped and installed here, ours first. */
export function licenses() {
  const parts = [`${manifest().name}\n\n${readFileSync(inRoot('LICENSE'), 'utf8')}`];
  for (const row of shipped()) {
    const folder = inRoot(row.folder);
    // Builds for other platforms are the same module, of which one is here.
    if (!existsSync(folder)) continue;
    const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file));
    const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
    parts.push(
      `${row.name} ${row.version} (${licenseOf(row)})\n\n${texts.join('\n\n') || 'No text came with it.'}\n`,
    );
  }
  return parts.join(`\n${'-'.repeat(80)}\n\n`);
}
