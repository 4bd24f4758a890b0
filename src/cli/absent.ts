/**
 * Commands of Consul's that are not here, with what there is instead: who types one is told, not asked whether it was a
 * slip. By one word, or by two where the first is a family of ours.
 */
const MESH = 'there is no service mesh here; the balancer and the checks do their work without one';
const LOGINS = 'there are no auth methods here; make a token with "muster acl token create"';

const ABSENT: Readonly<Record<string, string>> = {
  connect: MESH,
  intention: MESH,
  exec: 'nothing is run on other nodes from here; fire an event with "muster event" and act on it with "muster watch"',
  login: LOGINS,
  logout: LOGINS,
  'acl auth-method': LOGINS,
  'acl binding-rule': LOGINS,
  tls: 'servers need no certificates among themselves, one key from "muster keygen" does; for HTTPS take any authority, such as openssl',
  'snapshot agent': 'run "muster snapshot save" from cron or a timer',
  namespace: 'there are no namespaces here, as in Consul without its enterprise edition',
  license: 'there are no licences here',
};

/** Why there is no such command, or undefined when it is not one of Consul's. */
export function whyAbsent(first: string, second: string): string | undefined {
  for (const name of [`${first} ${second}`, first])
    if (Object.hasOwn(ABSENT, name)) return `"${name}" is a command of Consul's only: ${ABSENT[name]}`;
  return undefined;
}
