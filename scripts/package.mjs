#!/usr/bin/env node
// @ts-check
// npm run package -- npm|deb|image|sbom …      makes packages in dist/packages; packaging/README.md says what each is
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDeb } from './packaging/deb.mjs';
import { makeImage, tryImage } from './packaging/image.mjs';
import { bill, licenses, unusualLicenses } from './packaging/sbom.mjs';
import { setup } from './setup.mjs';
import { inRoot } from './support/paths.mjs';
import { runToEnd } from './support/processes.mjs';
import { Failure, run, say, step } from './support/say.mjs';

const FOLDER = inRoot('dist', 'packages');

/** Each kind makes something and tells where it is. @type {Record<string, () => Promise<string[]>>} */
const KINDS = {
  async npm() {
    const { code, output } = await runToEnd('npm', ['pack', '--silent', '--pack-destination', FOLDER], {
      cwd: inRoot(),
    });
    if (code !== 0) throw new Failure(`package: npm pack failed\n${output}`);
    return [join(FOLDER, output.trim().split('\n').at(-1) ?? '')];
  },
  deb: async () => [await makeDeb(FOLDER)],
  async image() {
    const tag = await makeImage(FOLDER);
    await step('package', 'starting it once', () => tryImage(tag));
    return [`${tag}: docker run --rm -p 8500:8500 -p 9999:9999 ${tag}`];
  },
  async sbom() {
    const unusual = unusualLicenses();
    if (unusual.length > 0)
      throw new Failure(
        `package: licences to look at: ${unusual.map(({ name, license }) => `${name} (${license})`).join(', ')}`,
      );
    const files = /** @type {const} */ ([
      ['sbom.cdx.json', `${JSON.stringify(bill(new Date().toISOString()), null, 2)}\n`],
      ['LICENSES.txt', licenses()],
    ]);
    for (const [name, text] of files) writeFileSync(join(FOLDER, name), text);
    return files.map(([name]) => join(FOLDER, name));
  },
};

await run(async () => {
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((kind) => !Object.hasOwn(KINDS, kind));
  if (wanted.length === 0 || unknown !== undefined)
    throw new Failure(`package: say what to make: ${Object.keys(KINDS).join(', ')}`);
  await setup([]);
  mkdirSync(FOLDER, { recursive: true });
  for (const kind of wanted) for (const made of (await KINDS[kind]?.()) ?? []) say('package', made);
});
