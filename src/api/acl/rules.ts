import { translateLegacyRules } from '../../acl/rules.ts';
import { isMusterError } from '../../errors.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { badRequest, HttpError } from '../http-error.ts';
import { text } from '../reply.ts';
import { aclOf, checkId, notFound } from './context.ts';

const translate = endpoint({
  method: 'POST',
  path: '/v1/acl/rules/translate',
  needs: 'acl:read',
  summary: "Rules of before Consul 1.4 in today's language",
  body: 'The rules, as text',
  async handler(context, request) {
    aclOf(context);
    const rules = (await request.body()).toString();
    try {
      return text(translateLegacyRules(rules));
    } catch (error) {
      if (isMusterError(error, 'request.rejected'))
        throw badRequest(`Bad request: ${error.message.replace('parse ACL rules', 'parse rules')}`);
      throw error;
    }
  },
});

const translateToken = endpoint({
  method: 'GET',
  path: '/v1/acl/rules/translate/:accessor',
  needs: 'acl:read',
  summary: 'The same for the rules that a token of before Consul 1.4 has itself',
  handler(context, { params }) {
    const acl = aclOf(context);
    if (params.accessor === '') throw badRequest('Bad request: Missing token ID');
    checkId('token', params.accessor);
    const token = context.catalog.get('aclTokens', params.accessor.toLowerCase());
    if (token === undefined || acl.isExpired(token)) throw notFound();
    const rules = token.legacy?.rules ?? '';
    if (rules === '') throw new HttpError(500, 'The specified token does not have any rules set');
    return text(translateLegacyRules(rules));
  },
});

export const ruleEndpoints: readonly Endpoint[] = [translate, translateToken];
