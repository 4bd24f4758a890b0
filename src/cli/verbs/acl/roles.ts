import { MusterError } from '../../../errors.ts';
import { CONNECTION_FLAGS, connect, reading } from '../../connect.ts';
import { OUTPUT_FLAGS, show } from '../../output.ts';
import { verb } from '../../verb.ts';
import {
  GRANT_FLAGS,
  givesSomething,
  idOf,
  mergedLinks,
  mergedNodes,
  mergedServices,
  nodeIdentitiesFrom,
  policiesFrom,
  roleId,
  serviceIdentitiesFrom,
} from './grants.ts';
import { META_FLAG, rolesText, roleText } from './output.ts';

const WHICH = {
  id: { kind: 'string', value: 'ID', summary: 'ID of the role, or its beginning.' },
  name: { kind: 'string', value: 'NAME', summary: 'Its name.' },
} as const;

export const roleCreate = verb({
  args: [],
  examples: [{ command: 'muster acl role create -name web -policy-name web -policy-name metrics' }],
  flags: {
    name: { kind: 'string', value: 'NAME', summary: 'Its name.' },
    description: { kind: 'string', value: 'TEXT', summary: 'What it is for.' },
    ...GRANT_FLAGS,
    ...META_FLAG,
    ...OUTPUT_FLAGS,
    ...CONNECTION_FLAGS,
  },
  async run({ flags, terminal }) {
    if (flags.name === undefined) throw new MusterError('usage', 'give -name, the name of the role');
    if (!givesSomething(flags))
      throw new MusterError(
        'usage',
        'the role would allow nothing: give -policy-name, -policy-id, -service-identity or -node-identity',
      );
    const { acl } = connect(flags, terminal);
    const made = await acl.createRole({
      Name: flags.name,
      Description: flags.description ?? '',
      ServiceIdentities: serviceIdentitiesFrom(flags),
      NodeIdentities: nodeIdentitiesFrom(flags),
      Policies: await policiesFrom(acl, flags),
    });
    show(terminal, flags, made, roleText);
  },
});

export const roleUpdate = verb({
  about: 'What is given is added to what it has, unless -no-merge says that the rest is taken away.',
  args: [],
  examples: [{ command: 'muster acl role update -id 9c7a -policy-name metrics' }],
  flags: {
    id: WHICH.id,
    name: { kind: 'string', value: 'NAME', summary: 'Its new name.' },
    description: { kind: 'string', value: 'TEXT', summary: 'What it is for.' },
    ...GRANT_FLAGS,
    'no-merge': { kind: 'boolean', summary: 'Take away what is not given.' },
    ...META_FLAG,
    ...OUTPUT_FLAGS,
    ...CONNECTION_FLAGS,
  },
  async run({ flags, terminal }) {
    if (flags.id === undefined) throw new MusterError('usage', 'give -id, the ID of the role');
    const { acl } = connect(flags, terminal);
    const known = await acl.role(await roleId(acl, flags.id));
    const given = {
      Policies: await policiesFrom(acl, flags),
      ServiceIdentities: serviceIdentitiesFrom(flags),
      NodeIdentities: nodeIdentitiesFrom(flags),
    };
    const { ID } = known;
    const updated = flags['no-merge']
      ? { ID, Name: flags.name ?? '', Description: flags.description ?? '', ...given }
      : {
          ID,
          Name: flags.name || known.Name,
          Description: flags.description || known.Description,
          Policies: mergedLinks(known.Policies, given.Policies),
          ServiceIdentities: mergedServices(known.ServiceIdentities, given.ServiceIdentities),
          NodeIdentities: mergedNodes(known.NodeIdentities, given.NodeIdentities),
        };
    show(terminal, flags, await acl.updateRole(updated), roleText);
  },
});

export const roleRead = verb({
  args: [],
  examples: [{ command: 'muster acl role read -name web' }],
  flags: { ...WHICH, ...META_FLAG, ...OUTPUT_FLAGS, ...CONNECTION_FLAGS },
  async run({ flags, terminal }) {
    const { acl } = connect(flags, terminal);
    show(terminal, flags, await acl.role(await idOf('role', acl, flags), reading(flags)), roleText);
  },
});

export const roleList = verb({
  args: [],
  examples: [{ command: 'muster acl role list' }],
  flags: { ...META_FLAG, ...OUTPUT_FLAGS, ...CONNECTION_FLAGS },
  async run({ flags, terminal }) {
    show(terminal, flags, await connect(flags, terminal).acl.roles(reading(flags)), rolesText);
  },
});

export const roleDelete = verb({
  args: [],
  examples: [{ command: 'muster acl role delete -name web' }],
  flags: { ...WHICH, ...CONNECTION_FLAGS },
  async run({ flags, terminal }) {
    const { acl } = connect(flags, terminal);
    const id = await idOf('role', acl, flags);
    await acl.deleteRole(id);
    terminal.out(`Role "${id}" deleted successfully\n`);
  },
});
