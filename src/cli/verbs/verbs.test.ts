import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Agent, startAgent } from '../../agent/agent.ts';
import { parseConfigText, readConfig } from '../../agent/config/read.ts';
import { openAgentLog } from '../../agent/log.ts';
import { run } from '../run.ts';
import { verbs } from '../verbs.ts';

/** The verbs against a real agent, over its API. */
let agent: Agent;
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'verbs-'));

beforeAll(async () => {
  const config = readConfig([
    parseConfigText(
      'test.toml',
      '[node]\ndev = true\nname = "n1"\n[ports]\nhttp = 0\ndns = 0\n[balancer]\nenabled = false\n',
    ),
  ]);
  agent = await startAgent(config, { log: openAgentLog({ level: 'error', format: 'json', sink: () => {} }) });
});
afterAll(async () => {
  await agent?.stop();
  fs.rmSync(directory, { recursive: true });
});

async function muster(line: string | string[], stdin = '') {
  let out = '';
  let err = '';
  const code = await run(verbs, typeof line === 'string' ? line.split(' ') : line, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    stdin: Readable.from([Buffer.from(stdin)]),
    env: { CONSUL_HTTP_ADDR: agent.addresses.http[0] },
    color: false,
  });
  return { code, out, err };
}

describe('kv', () => {
  it('puts, gets, lists and deletes', async () => {
    expect(await muster('kv put a/one 1')).toEqual({
      code: 0,
      out: 'Success! Data written to: a/one\n',
      err: '',
    });
    await muster('kv put a/two -', 'from stdin');
    fs.writeFileSync(path.join(directory, 'value'), 'from a file');
    await muster(['kv', 'put', 'a/b/three', `@${directory}/value`]);
    expect((await muster('kv get a/two')).out).toBe('from stdin\n');
    expect((await muster('kv get -base64 a/one')).out).toBe('MQ==\n');
    expect((await muster('kv get -recurse a/')).out).toBe(
      'a/b/three:from a file\na/one:1\na/two:from stdin\n',
    );
    expect((await muster('kv get -keys a/')).out).toBe('a/b/\na/one\na/two\n');
    expect((await muster('kv list a/')).out).toBe('a/b/three\na/one\na/two\n');
    expect((await muster('kv get -detailed a/one')).out).toMatch(/^ModifyIndex +\d+$/m);
    expect((await muster('kv delete -recurse a/')).out).toBe('Success! Deleted keys with prefix: a/\n');
    expect(await muster('kv get a/one')).toEqual({
      code: 1,
      out: '',
      err: 'Error! No key exists at: a/one\n',
    });
  });

  it('writes only over what was seen', async () => {
    expect((await muster('kv put -cas -modify-index=0 lock me')).code).toBe(0);
    expect(await muster('kv put -cas -modify-index=0 lock you')).toMatchObject({ code: 1, out: '' });
    const [{ ModifyIndex }] = [JSON.parse((await muster('kv get -json lock')).out)];
    expect((await muster(`kv put -cas -modify-index=${ModifyIndex} lock you`)).code).toBe(0);
    expect((await muster('kv get lock')).out).toBe('you\n');
    expect((await muster('kv put -cas lock x')).code).toBe(2);
  });

  it('exports and imports', async () => {
    await muster('kv put x/bytes AAEC/w== -base64');
    await muster('kv put x/flagged v -flags=42');
    const { out } = await muster('kv export x/');
    await muster('kv delete -recurse x/');
    expect((await muster('kv import -prefix=y/ -', out)).out).toBe(
      'Imported: y/x/bytes\nImported: y/x/flagged\n',
    );
    expect((await muster('kv get -base64 y/x/bytes')).out).toBe('AAEC/w==\n');
    expect(JSON.parse((await muster('kv get -json y/x/flagged')).out)).toMatchObject({ Flags: 42 });
    expect(await muster('kv import -', '{}')).toMatchObject({ code: 2 });
  });
});

describe('services', () => {
  it('are registered from flags and shown', async () => {
    expect(
      (
        await muster(
          'services register -name=web -id=web-1 -port=8080 -address=127.0.0.9 -tag=a -tag=b -meta=k=v',
        )
      ).out,
    ).toBe('Registered service: web\n');
    expect((await muster('catalog services -tags')).out).toBe('consul\nweb     a,b\n');
    expect((await muster('catalog services -node=n1')).out).toBe('consul\nweb\n');
    expect((await muster('catalog nodes -service=web')).out).toMatch(
      /^Node +ID +Address +DC\nn1 +[0-9a-f]{8} +127\.0\.0\.1 +dc1\n$/,
    );
    const health = await muster('health web');
    expect(health).toMatchObject({ code: 0 });
    expect(health.out).toMatch(/^web-1 +n1 +127\.0\.0\.9:8080 +passing$/m);
    expect(await muster('health nothing')).toEqual({ code: 1, out: 'no instance of nothing\n', err: '' });
    expect((await muster('services deregister -id=web-1')).out).toBe('Deregistered service: web-1\n');
    expect((await muster('health web -json')).out).toBe('[]\n');
  });

  it('are registered from files in Consul’s notation', async () => {
    const file = path.join(directory, 'db.json');
    fs.writeFileSync(
      file,
      JSON.stringify({
        services: [
          {
            id: 'db-1',
            name: 'db',
            port: 5432,
            tags: ['primary'],
            meta: { some_key: 'kept' },
            enable_tag_override: true,
            checks: [{ id: 'db-ttl', ttl: '1h', status: 'warning', deregister_critical_service_after: '2h' }],
          },
        ],
      }),
    );
    expect((await muster(['services', 'register', file])).out).toBe('Registered service: db\n');
    const [entry] = JSON.parse((await muster('health db -json')).out);
    expect(entry.Service).toMatchObject({
      ID: 'db-1',
      Meta: { some_key: 'kept' },
      EnableTagOverride: true,
    });
    expect(entry.Checks.find(({ CheckID }: { CheckID: string }) => CheckID === 'db-ttl')).toMatchObject({
      Status: 'warning',
    });
    expect((await muster('health db')).code).toBe(1);
    expect((await muster(['services', 'deregister', file])).code).toBe(0);
    expect(await muster(['services', 'register', '/nowhere.json'])).toMatchObject({ code: 2 });
    fs.writeFileSync(file, '{"service": }');
    expect((await muster(['services', 'register', file])).err).toContain(`${file}:1:13: expected a value`);
  });
});

it('maint takes a service out with a reason, and puts it back', async () => {
  await muster('services register -name=api');
  expect((await muster(['maint', '-enable', '-service=api', '-reason=new disk'])).out).toBe(
    'Service maintenance is now enabled for "api"\n',
  );
  expect((await muster('health api')).out).toMatch(/critical .*new disk/);
  expect((await muster('maint')).out).toBe('Service:\n  ID:     api\n  Reason: new disk\n\n');
  await muster('maint -disable -service=api');
  expect((await muster('health api')).code).toBe(0);
  expect((await muster('maint -enable')).out).toBe('Node maintenance is now enabled\n');
  expect((await muster('maint -disable')).out).toBe('Node maintenance is now disabled\n');
});

it('members, datacenters, info and routes say what there is', async () => {
  expect((await muster('members')).out).toMatch(
    /^Node +Address +Status +Type +Build +Protocol +DC +Segment\nn1 .* alive +server /,
  );
  expect((await muster('catalog datacenters')).out).toBe('dc1\n');
  expect((await muster('info')).out).toMatch(/^agent:\n\tcheck_monitors = /m);
  expect((await muster('routes')).out).toMatch(/^no routes/);
  expect(await muster('explain /x')).toMatchObject({ code: 1 });
});

it('an agent that is not there is told in one sentence', async () => {
  const { code, err } = await muster('members -http-addr=127.0.0.1:1');
  expect(code).toBe(1);
  expect(err).toMatch(/^muster members: no agent answers at http:\/\/127\.0\.0\.1:1: .*\n$/);
});

it('validate and config print read what up and agent read', async () => {
  const file = path.join(directory, 'm.toml');
  fs.writeFileSync(file, '[node]\ndev = true\n[[group]]\nname = "a"\ncommand = ["x"]\n');
  expect(await muster(['validate', file])).toEqual({ code: 0, out: 'Configuration is valid!\n', err: '' });
  expect((await muster(['config', 'print', file])).out).toContain('command = [ "x" ]');
  const { out } = await muster(['config', 'print', '-effective', file]);
  expect(out).toContain('stop_timeout = "10s"');
  // What is printed is itself a configuration that means the same.
  fs.writeFileSync(path.join(directory, 'effective.toml'), out);
  expect((await muster(['config', 'print', '-effective', `${directory}/effective.toml`])).out).toBe(out);
  fs.writeFileSync(file, 'nod = 1\n');
  expect(await muster(['validate', file])).toMatchObject({ code: 2, out: '' });
});
