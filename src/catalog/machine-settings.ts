/**
 * Names of settings that say how things are with the machines and the programs on them, not what somebody entered: whole, or with
 * more behind the slash.
 */
export const MACHINE_SETTINGS = {
  /** The servers of the cluster. */
  servers: 'servers',
  /** Nodes whose agents left. */
  leftMembers: 'left-members/',
  /** Nodes that run instances of groups, and the groups that are spread over them. */
  groupHosts: 'group-host/',
  groups: 'group/',
} as const;

const NAMES = Object.values(MACHINE_SETTINGS);

export function isOfMachines(setting: string): boolean {
  return NAMES.some((name) => (name.endsWith('/') ? setting.startsWith(name) : setting === name));
}
