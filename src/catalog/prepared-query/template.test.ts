import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { queryDraft } from './fixtures.test-support.ts';
import { compileTemplate, NAME_PREFIX_MATCH } from './template.ts';

const type = NAME_PREFIX_MATCH;

describe('templates of prepared queries', () => {
  it('fill every text of the service with parts of the name', () => {
    const draft = queryDraft({
      name: 'geo-',
      template: { type, regexp: '^geo-(.*?)-(.*)$' },
      service: {
        service: `\${match(2)}`,
        failover: { nearestN: 2, datacenters: [`\${match(1)}`, 'dc2'] },
        ignoreCheckIds: [`\${name.suffix}`],
        near: `\${match(1)}-router`,
        tags: [`\${name.full}`, `!\${name.prefix}`],
        nodeMeta: { zone: `\${match(1)}` },
        serviceMeta: { of: `\${match(0)}` },
      },
    });
    expect(compileTemplate(draft).render('geo-eu-web-1')).toEqual({
      ...draft.service,
      service: 'web-1',
      failover: { nearestN: 2, datacenters: ['eu', 'dc2'] },
      ignoreCheckIds: ['eu-web-1'],
      near: 'eu-router',
      tags: ['geo-eu-web-1', '!geo-'],
      nodeMeta: { zone: 'eu' },
      serviceMeta: { of: 'geo-eu-web-1' },
    });
  });

  it('have empty groups for a name that the expression does not match', () => {
    const template = { type, regexp: '^geo-(.+)-x$' };
    const service = { service: `s\${match(1)}`, tags: [`\${match(0)}`, 'a'] };
    expect(compileTemplate(queryDraft({ template, service })).render('q-other')).toMatchObject({
      service: 's',
      tags: ['', 'a'],
    });
    const removing = queryDraft({ template: { ...template, removeEmptyTags: true }, service });
    expect(compileTemplate(removing).render('q-other').tags).toEqual(['a']);
  });

  it.each([
    [{ template: { type: 'x' } }, "Bad Template.Type 'x'"],
    [{ template: { type, regexp: '^(' } }, 'Bad Regexp: error parsing regexp: missing closing ): `^(`'],
    [
      { template: { type }, service: { tags: ['a', `\${name.full`] } },
      `Bad format '\${name.full' in Service.Tags[1]: parse error at 1:12: expected "}" but found end of string`,
    ],
    [
      { template: { type }, service: { nodeMeta: { k: `\${name.nope}` } } },
      `Bad evaluation for '\${name.nope}' in Service.NodeMeta[k]: 1:3: unknown variable accessed: name.nope`,
    ],
  ])('are refused: %j', (given, message) => {
    expect(() => compileTemplate(queryDraft(given))).toThrow(message);
  });

  it('made of names and groups render whatever they are asked for', () => {
    const expression = fc.oneof(
      fc.constantFrom(
        `\${name.full}`,
        `\${name.prefix}`,
        `\${name.suffix}`,
        `\${agent.segment}`,
        'text',
        '$$',
      ),
      fc.integer({ min: -3, max: 9 }).map((n) => `\${match(${n})}`),
    );
    fc.assert(
      fc.property(
        fc.array(expression).map((parts) => parts.join('')),
        fc.constantFrom('', '^(.*)-(.*?)$', '(a|b)*', '(?i)(x)?'),
        fc.string(),
        fc.string(),
        (text, regexp, name, rest) => {
          const draft = queryDraft({ name, template: { type, regexp }, service: { service: text } });
          expect(typeof compileTemplate(draft).render(name + rest).service).toBe('string');
        },
      ),
    );
  });
});
