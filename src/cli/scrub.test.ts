import fc from 'fast-check';
import { expect, it } from 'vitest';
import { scrub, scrubText } from './scrub.ts';

it('takes secrets out by their name, and keeps the rest', () => {
  expect(
    scrub({
      Name: 'web',
      Token: 'abc',
      SecretID: '7c1ac4b2-0000-4000-8000-000000000001',
      Header: { Authorization: ['Basic eDp5'] },
      PasswordLength: 12,
      tokens: {},
      checks: [{ http: 'http://u:p@127.0.0.1/', status: 'passing' }],
    }),
  ).toEqual({
    Name: 'web',
    Token: '…',
    SecretID: '…',
    Header: '…',
    PasswordLength: 12,
    tokens: {},
    checks: [{ http: 'http://…@127.0.0.1/', status: 'passing' }],
  });
});

it.each([
  ['X-Consul-Token: abcd-ef', 'X-Consul-Token: …'],
  ['?token=abcdef&x=1', '?token=…&x=1'],
  ['Authorization: Bearer abcdef', 'Authorization: Bearer …'],
  ['{"password":"hunter22"}', '{"password":"…"}'],
  ['postgres://me:hunter2@db/x', 'postgres://…@db/x'],
  ['instance web-1 joined web', 'instance web-1 joined web'],
])('of the text %j is left %j', (text, left) => expect(scrubText(text)).toBe(left));

it('no secret behind its name gets through, however deep it lies', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9]{12,20}$/);
  fc.assert(
    fc.property(secret, fc.array(fc.constantFrom('a', 'b', 'c')), (text, path) => {
      const nested = path.reduceRight<unknown>((inner, name) => ({ [name]: [inner] }), { acl_token: text });
      expect(JSON.stringify(scrub(nested))).not.toContain(text);
      expect(scrubText(`GET /v1/kv/a?token=${text} from 10.0.0.1`)).not.toContain(text);
    }),
  );
});
