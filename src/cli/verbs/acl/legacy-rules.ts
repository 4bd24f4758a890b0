import type { AclCalls } from '../../../client/acl.ts';
import { MusterError } from '../../../errors.ts';
import { tokenId } from './grants.ts';

/** Rules of before Consul 1.4 in today's language. Loaded when needed: the other verbs start without the grammar. */
export async function translated(rules: string): Promise<string> {
  const { translateLegacyRules } = await import('../../../acl/rules.ts');
  return translateLegacyRules(rules);
}

/** Rules that a token has itself, as tokens of then do; `words` is its secret or the beginning of its accessor ID. */
export async function rulesOfToken(acl: AclCalls, words: string, isSecret: boolean): Promise<string> {
  const { Rules } = isSecret
    ? await acl.ownToken({ token: words })
    : await acl.token(await tokenId(acl, words));
  if (!Rules) throw new MusterError('request.rejected', 'that token has no rules of its own');
  return Rules;
}
