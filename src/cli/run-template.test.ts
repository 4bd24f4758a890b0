import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestAgent, type TestAgent } from './verbs/test-agent.test-support.ts';

let registry: TestAgent;
let folder: string;
beforeAll(async () => {
  registry = await startTestAgent();
});
afterAll(() => registry.agent.stop());
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-template-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => path.join(folder, name);
const content = (name: string) => fs.readFileSync(at(name), 'utf8');
const file = (name: string, text: string): string => {
  fs.writeFileSync(at(name), text);
  return at(name);
};
/** Renders one template once. */
const once = (contents: string, words: string[] = [], env: Record<string, string> = {}) =>
  registry.muster(
    ['template', '-once', '-log-level=error', `-template=${file('in', contents)}:${at('out')}`, ...words],
    '',
    env,
  );

describe('what templates, commands and the child see of the registry', () => {
  const names = ['ADDR', 'TOKEN', 'TOKEN_FILE', 'AUTH', 'SSL', 'SSL_VERIFY'].map(
    (name) => `CONSUL_HTTP_${name}`,
  );

  it('is what was said of it', async () => {
    const token = file('token', 'anonymous\n');
    const template = names.map((name) => `${name}={{ env "${name}" }}`).join('\n');
    const command = names.map((name) => `echo ${name}=$${name} >> ${at('seen')}`).join(';');
    const words = ['-consul-auth=me:secret', `-consul-token-file=${token}`];
    const rendered = await registry.muster([
      'template',
      '-once',
      '-log-level=error',
      `-template=${file('in', template)}:${at('out')}:${command}`,
      ...words,
      '-exec',
      `env | grep ^CONSUL_HTTP | sort > ${at('child')}; exit 5`,
    ]);
    expect(rendered).toMatchObject({ code: 5, err: '' });
    const address = registry.agent.addresses.http[0];
    expect(content('out').split('\n')).toEqual([
      `CONSUL_HTTP_ADDR=${address}`,
      'CONSUL_HTTP_TOKEN=anonymous',
      `CONSUL_HTTP_TOKEN_FILE=${token}`,
      'CONSUL_HTTP_AUTH=me:secret',
      'CONSUL_HTTP_SSL=false',
      'CONSUL_HTTP_SSL_VERIFY=true',
    ]);
    expect(content('seen')).toBe(`${content('out')}\n`);
    expect(content('child').trim().split('\n').sort()).toEqual(content('out').split('\n').sort());
  });

  it('is taken from the variables of consul-template too, and "" is nothing', async () => {
    const config = file(
      'c.hcl',
      'consul {\n address = ""\n token = ""\n token_file = ""\n ssl { ca_cert = "" }\n }',
    );
    const token = '{{ env "CONSUL_HTTP_TOKEN" }}';
    expect(await once(token, [`-config=${config}`], { CONSUL_TOKEN: 'anonymous' })).toMatchObject({
      code: 0,
    });
    expect(content('out')).toBe('anonymous');
  });

  it('is refused with what to do where a token cannot be read', async () => {
    expect(await once('x', [`-consul-token-file=${at('none')}`])).toMatchObject({
      code: 15,
      err: expect.stringMatching(/cannot read the token file .*none/),
    });
  });
});

describe('a configuration', () => {
  it('in a variable counts more than files, flags more than that', async () => {
    const config = file('c.hcl', 'default_delimiters { left = "<%" }');
    const local = 'default_delimiters {\n left = "<<"\n right = ">>"\n }';
    await once('<< 1 >>', [`-config=${config}`], { CT_LOCAL_CONFIG: local });
    expect(content('out')).toBe('1');
    await once('[[ 1 >>', [`-config=${config}`, '-default-left-delimiter=[['], { CT_LOCAL_CONFIG: local });
    expect(content('out')).toBe('1');
  });

  it('may say once, and that a key must be there', async () => {
    const config = file('c.hcl', 'once = true\nerr_on_failed_lookup = true');
    const { code, err } = await registry.muster([
      'template',
      '-log-level=error',
      `-config=${config}`,
      `-template=${file('in', '{{ key "nobody/wrote/this" }}')}:${at('out')}`,
    ]);
    expect({ code, err }).toMatchObject({
      code: 14,
      err: expect.stringContaining('kv.block(nobody/wrote/this): there is no such key'),
    });
  });

  it('with a level of the log that is none is refused as such', async () => {
    const loud = (env: Record<string, string>) =>
      registry.muster(['template', '-once', `-template=${file('in', 'x')}:${at('out')}`], '', env);
    expect(await loud({ CONSUL_TEMPLATE_LOG_LEVEL: 'loud' })).toMatchObject({ code: 15 });
    expect(await loud({ CT_LOG: 'ERR' })).toMatchObject({ code: 0 });
  });
});

describe('a command line', () => {
  it("takes consul-template's flags for Vault", async () => {
    expect(await once('x', ['-vault-renew-token=false', '-vault-addr', 'https://vault:8200'])).toMatchObject({
      code: 0,
    });
  });

  it('without a user for the registry is refused', async () => {
    expect(await once('x', ['-consul-auth', ''])).toMatchObject({
      code: 13,
      err: expect.stringContaining('-consul-auth: expected "user" or "user:password"'),
    });
  });

  it('decides whether a failure ends the program, whatever the template says', async () => {
    const failing = `template {\n contents = "{{ \\"no\\" | sprig_fail }}"\n destination = "${at('out')}"\n error_fatal = false\n }`;
    const words = ['template', '-log-level=error', `-config=${file('c.hcl', failing)}`];
    expect(await registry.muster([...words, '-template-error-fatal'])).toMatchObject({ code: 14 });
  });

  it('may ask for a program alone', async () => {
    const words = ['template', '-log-level=error', '-exec', `echo ran > ${at('out')}; exit 3`];
    expect(await registry.muster(words)).toMatchObject({ code: 3 });
    expect(content('out')).toBe('ran\n');
  });
});

describe('a template', () => {
  it('waits for a file that is not there, and with -once not for ever', async () => {
    const { code, err } = await once(`{{ file "${at('none')}" }}`, ['-consul-retry-attempts=1']);
    expect({ code, err }).toMatchObject({ code: 14, err: expect.stringMatching(/cannot read .*none: /) });
  });

  it('asks for datacenters, also for those alone that answer', async () => {
    await once('{{ datacenters | join "," }} {{ datacenters true | join "," }}');
    expect(content('out')).toBe('dc1 dc1');
  });

  it('asks programs', async () => {
    await once('{{ plugin "printf" "%s-%s" "a" "b" }}');
    expect(content('out')).toBe('a-b');
  });

  it('writes no file through a link of somebody else', async () => {
    fs.mkdirSync(at('real'));
    fs.symlinkSync(at('real'), at('link'));
    const { code, err } = await once(`{{ "x" | writeToFile "${at('link')}/f" "" "" "644" }}`);
    expect({ code, err }).toMatchObject({ code: 14, err: expect.stringContaining('is a symbolic link') });
    expect(fs.readdirSync(at('real'))).toEqual([]);
    await once(`{{ "x" | writeToFile "${at('real')}/f" "" "" "600" }}`);
    expect([content('real/f'), fs.statSync(at('real/f')).mode & 0o777]).toEqual(['x', 0o600]);
  });
});
