/** What concerns access control as a whole: its beginning, the agent's own tokens, rules of old. */
import { MusterError } from '../../../errors.ts';
import { CONNECTION_FLAGS, connect } from '../../connect.ts';
import { dataFrom } from '../../data.ts';
import { OUTPUT_FLAGS, show } from '../../output.ts';
import { verb } from '../../verb.ts';
import { rulesOfToken, translated } from './legacy-rules.ts';
import { tokenText } from './output.ts';

export const aclBootstrap = verb({
  about:
    'Keep its SecretID: others are made with it. When it was lost, the guide to access says how to do this again.',
  args: [],
  examples: [{ command: 'muster acl bootstrap' }],
  flags: { ...OUTPUT_FLAGS, ...CONNECTION_FLAGS },
  async run({ flags, terminal }) {
    show(terminal, flags, await connect(flags, terminal).acl.bootstrap(), tokenText);
  },
});

/** Consul's words for the agent's tokens, with the names of the API. */
const AGENT_TOKENS: Readonly<Record<string, string>> = {
  default: 'default',
  agent: 'agent',
  master: 'agent_master',
  recovery: 'agent_recovery',
  replication: 'replication',
};

export const setAgentToken = verb({
  about:
    'default: for requests and DNS questions that come without one; agent: for what the agent does itself; master (or recovery): good for this agent when no server answers; replication: of no effect. TOKEN may be @FILE, or "-" for standard input.',
  args: [Object.keys(AGENT_TOKENS).join('|'), 'TOKEN'],
  examples: [{ command: 'muster acl set-agent-token default @/run/secrets/token' }],
  flags: CONNECTION_FLAGS,
  async run({ flags, args: [kind = '', words = ''], terminal }) {
    const target = Object.hasOwn(AGENT_TOKENS, kind) ? AGENT_TOKENS[kind] : undefined;
    if (target === undefined)
      throw new MusterError(
        'usage',
        `there is no token "${kind}" of an agent: say ${Object.keys(AGENT_TOKENS).join(', ')}`,
      );
    const secret = (await dataFrom(words, terminal)).toString().trim();
    await connect(flags, terminal).put(`/v1/agent/token/${target}`, { Token: secret });
    terminal.out(`ACL token "${kind}" set successfully\n`);
  },
});

export const translateRules = verb({
  about: 'Without a flag nothing is asked of an agent.',
  args: ['RULES'],
  examples: [
    { command: 'muster acl translate-rules @old.hcl' },
    { command: 'muster acl translate-rules -token-accessor 6a12', does: 'those of a token' },
  ],
  flags: {
    'token-accessor': { kind: 'boolean', summary: 'RULES is the accessor ID of a token.' },
    'token-secret': { kind: 'boolean', summary: 'RULES is the secret of a token.' },
    ...CONNECTION_FLAGS,
  },
  async run({ flags, args: [words = ''], terminal }) {
    const [byAccessor, bySecret] = [flags['token-accessor'] ?? false, flags['token-secret'] ?? false];
    if (byAccessor && bySecret)
      throw new MusterError('usage', 'give -token-accessor or -token-secret, not both');
    const given = (await dataFrom(words, terminal)).toString();
    const rules =
      byAccessor || bySecret
        ? await rulesOfToken(connect(flags, terminal).acl, given.trim(), bySecret)
        : given;
    terminal.out(`${await translated(rules)}\n`);
  },
});
