import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { environmentFor, howItEnded, isForShell, runCommand } from './command.ts';
import { WHOLE_ENVIRONMENT } from './settings.ts';

const filter = (more: object) => ({ ...WHOLE_ENVIRONMENT, ...more });

describe('the environment of a command', () => {
  const from = {
    PATH: '/bin',
    HOME: '/root',
    CONSUL_HTTP_ADDR: 'a',
    CONSUL_HTTP_TOKEN: 'secret',
    GONE: undefined,
  };

  it.each([
    ['all of it', {}, ['CONSUL_HTTP_ADDR', 'CONSUL_HTTP_TOKEN', 'HOME', 'PATH']],
    ['what is allowed', { allow: ['CONSUL_*'] }, ['CONSUL_HTTP_ADDR', 'CONSUL_HTTP_TOKEN']],
    ['what is not denied', { deny: ['*_TOKEN'] }, ['CONSUL_HTTP_ADDR', 'HOME', 'PATH']],
    ['denied before allowed', { allow: ['CONSUL_*'], deny: ['*TOKEN'] }, ['CONSUL_HTTP_ADDR']],
    ['nothing', { pristine: true, allow: ['*'] }, []],
    ['its own', { pristine: true, custom: ['A=b=c', 'B'] }, ['A', 'B']],
  ])('%s', (_, more, names) => {
    expect(Object.keys(environmentFor(filter(more), from)).sort()).toEqual(names);
  });

  it('keeps what stands behind the first "=", and its own counts more', () => {
    expect(environmentFor(filter({ custom: ['PATH=a=b', 'EMPTY'] }), from, { PATH: '/extra' })).toMatchObject(
      {
        PATH: 'a=b',
        EMPTY: '',
      },
    );
  });

  it('never lets through what is denied', () => {
    const name = fc.stringMatching(/^[A-Z_]{1,8}$/);
    fc.assert(
      fc.property(fc.dictionary(name, fc.string()), fc.array(name), fc.array(name), (env, allow, deny) => {
        const passed = Object.keys(environmentFor(filter({ allow, deny }), env));
        expect(passed.filter((one) => deny.includes(one))).toEqual([]);
        if (allow.length > 0) expect(passed.every((one) => allow.includes(one))).toBe(true);
      }),
    );
  });
});

it.each([
  [['systemctl reload haproxy'], true],
  [['true'], false],
  [['  true  '], false],
  [['echo', 'a b'], false],
])('%j is for a shell: %s', (words, expected) => {
  expect(isForShell(words)).toBe(expected);
});

describe('a command', () => {
  const options = { timeout: 10_000, environment: WHOLE_ENVIRONMENT, keepsOutput: true };

  it('gets its words as they are', async () => {
    expect(await runCommand(['printf', '%s|', 'a b', '$HOME'], options)).toEqual({
      code: 0,
      output: 'a b|$HOME|',
    });
  });

  it('of one text goes through a shell', async () => {
    const { output } = await runCommand(['echo $((1 + 1)) | cat'], { ...options, extra: { A: 'b' } });
    expect(output).toBe('2\n');
  });

  it('that is ended by a signal says so in its code, as shells do', async () => {
    expect((await runCommand(['kill -TERM $$; sleep 9'], options)).code).toBe(143);
  });

  it('is over with its time, also where what it left running holds its output open', async () => {
    expect((await runCommand(['sleep 1000 & echo left'], { ...options, timeout: 500 })).code).toBe('timeout');
  });

  it.each([
    [['/etc/passwd/none'], {}, /a file stands where a directory has to be/],
    [['true'], { BIG: 'x'.repeat(200_000) }, /E2BIG/],
  ])('that the system refuses to start (%#) is no error of ours', async (words, extra, why) => {
    const { code } = await runCommand(words, { ...options, extra });
    expect(howItEnded(code, 0)).toMatch(why);
  });

  it('keeps a bounded part of what it prints', async () => {
    const { code, output } = await runCommand(['head -c 1000000 /dev/zero | tr "\\0" x'], options);
    expect([code, output.length]).toEqual([0, 4_000]);
  });
});
