import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, expect, it } from 'vitest';
import { run } from '../run.ts';
import { verbs } from '../verbs.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'validate-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** What `muster validate` says of a file with this text; what is missing is beside it. */
async function validated(text: string): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const file = path.join(folder, 'm.toml');
  fs.writeFileSync(file, text);
  const code = await run(verbs, ['validate', file], {
    out: (more) => {
      out += more;
    },
    err: (more) => {
      err += more;
    },
    stdin: Readable.from([]),
    env: {},
    color: false,
  });
  return { code, out, err: err.replaceAll(`${folder}/`, '') };
}

it.each([
  [
    '[[balancer.auth]]\nname = "a"\nfile = "nosuch"',
    'm.toml:3:8: balancer.auth[0].file: cannot read nosuch: ',
  ],
  ['[balancer.no_route]\npage = "no.html"', 'm.toml:2:8: balancer.no_route.page: cannot read no.html: '],
  [
    '[[balancer.service]]\nname = "db"\naddress = ":5432"\nupstream_tls.ca = "no.pem"',
    'm.toml:4:19: balancer.service[0].upstream_tls.ca: cannot read no.pem: ',
  ],
  ['[log]\nfile = "nosuch/x"', 'm.toml:2:8: log.file: cannot write nosuch/x: '],
])('refuses a file that is not there, as the start does: it was valid (%j)', async (text, wrong) => {
  const { code, out, err } = await validated(text);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(`${wrong}there is no such file or directory`);
  expect((await validated(`[balancer]\nenabled = false\n${text}`)).code).toBe(
    text.startsWith('[log]') ? 2 : 0,
  );
});

const SERVICE = '[[service]]\nname = "web"\n';

it.each([
  [`${SERVICE}${SERVICE}`, ':3:1: service[1]: takes the place of the other service with the id "web"'],
  [
    `${SERVICE}tags = ["x", "urlprefix-/x strp=/y"]`,
    ':3:14: service[0].tags[1]: strp=/y is ignored: there is no such option',
  ],
  [
    `${SERVICE}tags = ["urlprefix-/x auth=staff"]`,
    ':3:9: service[0].tags[0]: auth=staff: there is no [[balancer.auth]]',
  ],
  [`${SERVICE}check = { http = "/health", interval = "1s" }`, ':3:18: service[0].check.http: expected a URL'],
  [
    '[balancer.access_log]\ntarget = "nosuch/a.log"',
    ':2:10: balancer.access_log.target: cannot write nosuch/a.log',
  ],
  ['ports.https = 8501\n[api.tls]\ncert = "no.pem"', ':3:8: api.tls.cert: cannot read no.pem'],
  [
    '[[balancer.certificates]]\nkind = "file"\ncert = "no.pem"',
    ':3:8: balancer.certificates[0].cert: cannot read',
  ],
])('warns of what will not do what it says: nothing was said (%j)', async (text, warning) => {
  const { code, out, err } = await validated(text);
  expect({ code, out }).toEqual({ code: 0, out: 'Configuration is valid!\n' });
  expect(err).toContain(`m.toml${warning}`);
});

it('says nothing of what is as it should be', async () => {
  fs.writeFileSync(path.join(folder, 'page.html'), 'nothing here');
  const text = `[log]\nfile = "m.log"\n[balancer.no_route]\npage = "page.html"\n[balancer.access_log]\ntarget = "a.log"
${SERVICE}tags = ["x", "urlprefix-web.test/ strip=/y"]\ncheck = { http = "http://127.0.0.1/", interval = "1s" }
${SERVICE}id = "web-2"`;
  expect(await validated(text)).toEqual({ code: 0, out: 'Configuration is valid!\n', err: '' });
});
