import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestAgent, type TestAgent } from './test-agent.test-support.ts';

/** Keys, against a real agent, over its API. */
let world: TestAgent;
const muster: TestAgent['muster'] = (...given) => world.muster(...given);
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kv-verbs-'));

beforeAll(async () => {
  world = await startTestAgent();
});
afterAll(async () => {
  await world?.agent.stop();
  fs.rmSync(directory, { recursive: true });
});

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
    expect((await muster('kv put -cas lock x')).code).toBe(1);
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
    expect((await muster(['kv', 'import', '[{"key": "z", "value": "MQ=="}]'])).out).toBe('Imported: z\n');
  });

  it('writes nothing of what is not base64', async () => {
    const pair = (key: string, value: string) => ({ key, flags: 0, value });
    const pairs = JSON.stringify([pair('not64/a', 'YQ=='), pair('not64/b', '%%%')]);
    const { code, err } = await muster('kv import -', pairs);
    expect(code).not.toBe(0);
    expect(err).toContain('the value of not64/b is not base64: illegal base64 data at input byte 0');
    expect((await muster('kv put -base64 not64/c aGVsbG8')).code).not.toBe(0);
    expect((await muster('kv list not64/')).out).toBe('');
    // Programs that write base64 end it with a line.
    expect((await muster('kv put -base64 not64/d -', 'aGVsbG8=\n')).code).toBe(0);
    expect((await muster('kv get not64/d')).out).toBe('hello\n');
  });

  it('keeps flags of 64 bits to the last digit', async () => {
    // Those of Consul's locks, and the largest ones.
    for (const flags of ['3304740253564472344', '18446744073709551615']) {
      expect((await muster(`kv put -flags ${flags} large x`)).code).toBe(0);
      const { out } = await muster('kv export large');
      expect(out).toContain(`"flags": ${flags},`);
      await muster('kv delete large');
      expect((await muster('kv import -', out)).code).toBe(0);
      expect((await muster('kv get -detailed large')).out).toMatch(new RegExp(`^Flags +${flags}$`, 'm'));
      expect((await muster('watch -type key -key large')).out).toContain(`"Flags": ${flags},`);
      expect((await muster('kv get -json large')).out).toContain(`"Flags": ${flags},`);
    }
    expect((await muster('kv put -flags 18446744073709551616 large x')).code).toBe(2);
  });
});
