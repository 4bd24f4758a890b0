import { MusterError } from '../../../errors.ts';
import { CONNECTION_FLAGS, connect, reading } from '../../connect.ts';
import { dataFrom } from '../../data.ts';
import { OUTPUT_FLAGS, show } from '../../output.ts';
import { type Terminal, verb } from '../../verb.ts';
import { idOf } from './grants.ts';
import { rulesOfToken, translated } from './legacy-rules.ts';
import { META_FLAG, policiesText, policyText } from './output.ts';

const WHICH = {
  id: { kind: 'string', value: 'ID', summary: 'ID of the policy, or its beginning.' },
  name: { kind: 'string', value: 'NAME', summary: 'Its name.' },
} as const;

const RULES_FLAG = {
  rules: {
    kind: 'string',
    value: 'RULES',
    summary: 'What it allows: the rules, @FILE, or "-" for standard input.',
  },
} as const;

const CONTENT_FLAGS = {
  description: { kind: 'string', value: 'TEXT', summary: 'What it is for.' },
  ...RULES_FLAG,
  'valid-datacenter': { kind: 'list', value: 'NAME', summary: 'Good in this datacenter.' },
} as const;

/** Words of the command line that may name a file or standard input. */
async function textOf(words: string, terminal: Terminal): Promise<string> {
  return (await dataFrom(words, terminal)).toString();
}

export const policyCreate = verb({
  args: [],
  examples: [
    { command: `muster acl policy create -name web -rules 'service "web" { policy = "write" }'` },
    { command: 'muster acl policy create -name web -rules @web.hcl', does: 'the rules from a file' },
  ],
  flags: {
    name: { kind: 'string', value: 'NAME', summary: 'Its name.' },
    ...CONTENT_FLAGS,
    'from-token': {
      kind: 'string',
      value: 'ID',
      summary: 'Instead of -rules: those of this token of before Consul 1.4, translated.',
    },
    'token-secret': { kind: 'boolean', summary: '-from-token is a secret, no accessor ID.' },
    ...META_FLAG,
    ...OUTPUT_FLAGS,
    ...CONNECTION_FLAGS,
  },
  async run({ flags, terminal }) {
    if (flags.name === undefined) throw new MusterError('usage', 'give -name, the name of the policy');
    if (flags.rules !== undefined && flags['from-token'] !== undefined)
      throw new MusterError('usage', 'give -rules or -from-token, not both');
    const { acl } = connect(flags, terminal);
    const from = flags['from-token'];
    const rules =
      from === undefined
        ? await textOf(flags.rules ?? '', terminal)
        : await translated(
            await rulesOfToken(acl, (await textOf(from, terminal)).trim(), flags['token-secret'] ?? false),
          );
    const made = await acl.createPolicy({
      Name: flags.name,
      Description: flags.description ?? '',
      Rules: rules,
      ...(flags['valid-datacenter'] === undefined ? {} : { Datacenters: flags['valid-datacenter'] }),
    });
    show(terminal, flags, made, policyText);
  },
});

export const policyUpdate = verb({
  about: 'What is not given stays as it is, unless -no-merge says that it is emptied.',
  args: [],
  examples: [
    { command: 'muster acl policy update -name web -rules @web.hcl' },
    { command: 'muster acl policy update -id 1f3b -name webs', does: 'another name' },
  ],
  flags: {
    id: WHICH.id,
    name: { kind: 'string', value: 'NAME', summary: 'Its name; with -id its new one.' },
    ...CONTENT_FLAGS,
    'no-merge': { kind: 'boolean', summary: 'Empty what is not given.' },
    ...META_FLAG,
    ...OUTPUT_FLAGS,
    ...CONNECTION_FLAGS,
  },
  async run({ flags, terminal }) {
    const { acl } = connect(flags, terminal);
    const ID = await idOf('policy', acl, flags);
    const given = {
      ...(flags.name === undefined ? {} : { Name: flags.name }),
      ...(flags.description === undefined ? {} : { Description: flags.description }),
      ...(flags.rules === undefined ? {} : { Rules: await textOf(flags.rules, terminal) }),
      ...(flags['valid-datacenter'] === undefined ? {} : { Datacenters: flags['valid-datacenter'] }),
    };
    const { Name, Description, Rules = '', Datacenters = [] } = await acl.policy(ID);
    const known = flags['no-merge'] ? { Name: '' } : { Name, Description, Rules, Datacenters };
    show(terminal, flags, await acl.updatePolicy({ ID, ...known, ...given }), policyText);
  },
});

export const policyRead = verb({
  args: [],
  examples: [{ command: 'muster acl policy read -name web' }],
  flags: { ...WHICH, ...META_FLAG, ...OUTPUT_FLAGS, ...CONNECTION_FLAGS },
  async run({ flags, terminal }) {
    const { acl } = connect(flags, terminal);
    show(terminal, flags, await acl.policy(await idOf('policy', acl, flags), reading(flags)), policyText);
  },
});

export const policyList = verb({
  args: [],
  examples: [{ command: 'muster acl policy list' }],
  flags: { ...META_FLAG, ...OUTPUT_FLAGS, ...CONNECTION_FLAGS },
  async run({ flags, terminal }) {
    show(terminal, flags, await connect(flags, terminal).acl.policies(reading(flags)), policiesText);
  },
});

export const policyDelete = verb({
  args: [],
  examples: [{ command: 'muster acl policy delete -name web' }],
  flags: { ...WHICH, ...CONNECTION_FLAGS },
  async run({ flags, terminal }) {
    const { acl } = connect(flags, terminal);
    const id = await idOf('policy', acl, flags);
    await acl.deletePolicy(id);
    terminal.out(`Policy "${id}" deleted successfully\n`);
  },
});
