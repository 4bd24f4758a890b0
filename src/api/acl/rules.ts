import { translateLegacyRules } from '../../acl/rules.ts';
import { isMusterError } from '../../errors.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { badRequest } from '../http-error.ts';
import { text } from '../reply.ts';
import { aclOf, notFound } from './context.ts';

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
      if (isMusterError(error, 'request.rejected')) throw badRequest(`Bad request: ${error.message}`);
      throw error;
    }
  },
});

const translateToken = endpoint({
  method: 'GET',
  path: '/v1/acl/rules/translate/:accessor',
  needs: 'acl:read',
  summary: 'The same for the rules in a token: no token has rules of its own here',
  handler(context) {
    aclOf(context);
    throw notFound();
  },
});

export const ruleEndpoints: readonly Endpoint[] = [translate, translateToken];
