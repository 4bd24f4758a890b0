import type { InstanceView } from './instance.ts';

/** By this variable the processes of an instance are known. */
export const INSTANCE_ID = 'MUSTER_INSTANCE_ID';

/** What an instance finds in its environment about itself; the same can stand in its command and registration. */
export function variablesOf(
  group: string,
  { name, id, ports, port }: Pick<InstanceView, 'name' | 'id' | 'ports' | 'port'>,
): Record<string, string> {
  const variables: Record<string, string> = {
    MUSTER_GROUP: group,
    MUSTER_INSTANCE: name,
    [INSTANCE_ID]: id,
    MUSTER_NUMBER: name.slice(group.length + 1),
    PORT: String(port ?? ''),
  };
  for (const [label, number] of Object.entries(ports)) variables[portVariable(label)] = String(number);
  return variables;
}

/** The one that has the port of this name. */
export function portVariable(name: string): string {
  return `PORT_${name.toUpperCase().replaceAll('-', '_')}`;
}
