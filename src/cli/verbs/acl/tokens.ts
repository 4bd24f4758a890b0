import type { AclTokenRequest } from '../../../client/index.ts';
import { MusterError } from '../../../errors.ts';
import { formatDuration } from '../../../lib/duration.ts';
import { CONNECTION_FLAGS, connect, reading } from '../../connect.ts';
import { OUTPUT_FLAGS, show } from '../../output.ts';
import { verb } from '../../verb.ts';
import {
  GRANT_FLAGS,
  givesSomething,
  mergedLinks,
  mergedNodes,
  mergedServices,
  nodeIdentitiesFrom,
  policiesFrom,
  ROLE_FLAGS,
  rolesFrom,
  serviceIdentitiesFrom,
  tokenId,
} from './grants.ts';
import { META_FLAG, tokensText, tokenText } from './output.ts';

const ID_FLAG = {
  id: {
    kind: 'string',
    value: 'ID',
    summary: 'Accessor ID of the token, or its beginning; "anonymous" for that of those who send none.',
  },
} as const;

function needed(id: string | undefined): string {
  if (id === undefined) throw new MusterError('usage', 'give -id, the accessor ID of the token');
  return id;
}

export const tokenCreate = verb({
  args: [],
  examples: [
    { command: 'muster acl token create -description "web servers" -policy-name web' },
    {
      command: 'muster acl token create -service-identity web -expires-ttl 1h -format json',
      does: 'for a service, for an hour, for a script',
    },
  ],
  flags: {
    description: { kind: 'string', value: 'TEXT', summary: 'What it is for.' },
    ...GRANT_FLAGS,
    ...ROLE_FLAGS,
    'expires-ttl': { kind: 'duration', summary: 'How long it is good for.', default: 'for ever' },
    local: { kind: 'boolean', summary: 'Good in this datacenter only.' },
    accessor: { kind: 'string', value: 'UUID', summary: 'Its accessor ID.', default: 'a new one' },
    secret: { kind: 'string', value: 'UUID', summary: 'Its secret.', default: 'a new one' },
    ...META_FLAG,
    ...OUTPUT_FLAGS,
    ...CONNECTION_FLAGS,
  },
  async run({ flags, terminal }) {
    if (!givesSomething(flags))
      throw new MusterError(
        'usage',
        'the token would allow nothing: give -policy-name, -policy-id, -role-name, -role-id, -service-identity or -node-identity',
      );
    const { acl } = connect(flags, terminal);
    const request: AclTokenRequest = {
      Description: flags.description ?? '',
      Local: flags.local ?? false,
      ServiceIdentities: serviceIdentitiesFrom(flags),
      NodeIdentities: nodeIdentitiesFrom(flags),
      Policies: await policiesFrom(acl, flags),
      Roles: await rolesFrom(acl, flags),
    };
    if (flags.accessor !== undefined) request.AccessorID = flags.accessor;
    if (flags.secret !== undefined) request.SecretID = flags.secret;
    if (flags['expires-ttl'] !== undefined) request.ExpirationTTL = formatDuration(flags['expires-ttl']);
    show(terminal, flags, await acl.createToken(request), tokenText);
  },
});

export const tokenUpdate = verb({
  about:
    'Policies, roles and identities that are not named are taken away, as in Consul, unless the -merge flag of their kind is given. The description stays when none is given.',
  args: [],
  examples: [
    { command: 'muster acl token update -id 6a12 -policy-name web', does: 'this policy and nothing else' },
    {
      command: 'muster acl token update -id 6a12 -merge-policies -policy-name metrics',
      does: 'this one too',
    },
  ],
  flags: {
    ...ID_FLAG,
    description: { kind: 'string', value: 'TEXT', summary: 'What it is for.' },
    ...GRANT_FLAGS,
    ...ROLE_FLAGS,
    'merge-policies': { kind: 'boolean', summary: 'Keep the policies that it has.' },
    'merge-roles': { kind: 'boolean', summary: 'Keep the roles that it has.' },
    'merge-service-identities': { kind: 'boolean', summary: 'Keep the service identities that it has.' },
    'merge-node-identities': { kind: 'boolean', summary: 'Keep the node identities that it has.' },
    'upgrade-legacy': {
      kind: 'boolean',
      summary: 'Of a token of before Consul 1.4: the policies take the place of its rules.',
    },
    ...META_FLAG,
    ...OUTPUT_FLAGS,
    ...CONNECTION_FLAGS,
  },
  async run({ flags, terminal }) {
    const { acl } = connect(flags, terminal);
    const known = await acl.token(await tokenId(acl, needed(flags.id)));
    if (flags['upgrade-legacy'] && !known.Rules)
      throw new MusterError('request.rejected', '-upgrade-legacy is for tokens that have rules of their own');
    const { Rules, ...rest } = known;
    const [policies, roles] = [await policiesFrom(acl, flags), await rolesFrom(acl, flags)];
    const [services, nodes] = [serviceIdentitiesFrom(flags), nodeIdentitiesFrom(flags)];
    const updated = await acl.updateToken({
      ...rest,
      ...(Rules === undefined || flags['upgrade-legacy'] ? {} : { Rules }),
      Description: flags.description || known.Description,
      Policies: flags['merge-policies'] ? mergedLinks(known.Policies, policies) : policies,
      Roles: flags['merge-roles'] ? mergedLinks(known.Roles, roles) : roles,
      ServiceIdentities: flags['merge-service-identities']
        ? mergedServices(known.ServiceIdentities, services)
        : services,
      NodeIdentities: flags['merge-node-identities'] ? mergedNodes(known.NodeIdentities, nodes) : nodes,
    });
    show(terminal, flags, updated, tokenText);
  },
});

export const tokenClone = verb({
  args: [],
  examples: [{ command: 'muster acl token clone -id 6a12 -description "the second web server"' }],
  flags: {
    ...ID_FLAG,
    description: { kind: 'string', value: 'TEXT', summary: 'What the new one is for.' },
    ...OUTPUT_FLAGS,
    ...CONNECTION_FLAGS,
  },
  async run({ flags, terminal }) {
    const { acl } = connect(flags, terminal);
    const id = await tokenId(acl, needed(flags.id));
    show(terminal, flags, await acl.cloneToken(id, flags.description), tokenText);
  },
});

export const tokenRead = verb({
  args: [],
  examples: [{ command: 'muster acl token read -id 6a12' }, { command: 'muster acl token read -self' }],
  flags: {
    ...ID_FLAG,
    self: { kind: 'boolean', summary: 'The token that this very call is made with.' },
    ...META_FLAG,
    ...OUTPUT_FLAGS,
    ...CONNECTION_FLAGS,
  },
  async run({ flags, terminal }) {
    const { acl } = connect(flags, terminal);
    const token = flags.self
      ? await acl.ownToken(reading(flags))
      : await acl.token(await tokenId(acl, needed(flags.id)), reading(flags));
    show(terminal, flags, token, tokenText);
  },
});

export const tokenList = verb({
  args: [],
  examples: [{ command: 'muster acl token list' }],
  flags: { ...META_FLAG, ...OUTPUT_FLAGS, ...CONNECTION_FLAGS },
  async run({ flags, terminal }) {
    const tokens = await connect(flags, terminal).acl.tokens(reading(flags));
    show(terminal, flags, tokens, tokensText);
  },
});

export const tokenDelete = verb({
  args: [],
  examples: [{ command: 'muster acl token delete -id 6a12' }],
  flags: { ...ID_FLAG, ...CONNECTION_FLAGS },
  async run({ flags, terminal }) {
    const { acl } = connect(flags, terminal);
    const id = await tokenId(acl, needed(flags.id));
    await acl.deleteToken(id);
    terminal.out(`Token "${id}" deleted successfully\n`);
  },
});
