/**
 * Every verb of the command line, in the order of the help: run, look, act, check. Parsing, help, completion and
 * docs/reference/cli.md come from this table; a verb is one file and one row here. The file is loaded when its verb is asked for:
 * scripts run short commands by the thousand, and most of what one costs is the code that it loads.
 */
import type { Verbs } from './verb.ts';

export const verbs: Verbs = {
  up: {
    summary: 'Runs a stack: an agent and the groups of processes that its file describes.',
    load: async () => (await import('./verbs/up.ts')).up,
  },
  agent: {
    summary: 'Runs an agent: registry, health checks, DNS, load balancer and dashboard.',
    load: async () => (await import('./verbs/agent.ts')).agent,
  },
  lb: {
    summary: 'Balances HTTP, TCP or UDP: over upstreams named here, or as a file of fabio or gobetween says.',
    load: async () => (await import('./verbs/lb.ts')).lb,
  },
  'lb from-file': {
    summary: "Balances TCP, TLS and UDP as gobetween's configuration says.",
    load: async () => (await import('./verbs/lb-gobetween.ts')).lbFromFile,
  },
  'lb from-url': {
    summary: "Balances as gobetween's configuration at a URL says.",
    load: async () => (await import('./verbs/lb-gobetween.ts')).lbFromUrl,
  },
  'lb from-consul': {
    summary: "Balances as gobetween's configuration in Consul's key/value store says.",
    load: async () => (await import('./verbs/lb-gobetween.ts')).lbFromConsul,
  },
  registrator: {
    summary: 'Registers the containers of this host, as gliderlabs/registrator does.',
    load: async () => (await import('./verbs/registrator.ts')).registrator,
  },
  template: {
    summary: 'Renders files from the registry and keeps them up to date.',
    load: async () => (await import('./verbs/template.ts')).template,
  },
  dns: {
    summary: 'Answers DNS: names of services from a registry, everything else from other name servers.',
    load: async () => (await import('./verbs/dns.ts')).dns,
  },

  members: {
    summary: 'Lists the members of the cluster as the agent sees them.',
    load: async () => (await import('./verbs/members.ts')).members,
  },
  'catalog nodes': {
    summary: 'Lists the nodes, or those on which a service runs.',
    load: async () => (await import('./verbs/catalog.ts')).catalogNodes,
  },
  'catalog services': {
    summary: 'Lists the names of all services, or of those on a node.',
    load: async () => (await import('./verbs/catalog.ts')).catalogServices,
  },
  'catalog datacenters': {
    summary: 'Lists the known datacenters.',
    load: async () => (await import('./verbs/catalog.ts')).catalogDatacenters,
  },
  health: {
    summary: 'Shows the instances of a service and how they are.',
    load: async () => (await import('./verbs/health.ts')).health,
  },
  routes: {
    summary: "Lists the balancer's routes and its TCP and UDP services, their instances and live traffic.",
    load: async () => (await import('./verbs/routes.ts')).routes,
  },
  explain: {
    summary: 'Says which route a URL takes, to which instances, and why not to the others.',
    load: async () => (await import('./verbs/explain.ts')).explain,
  },
  why: {
    summary: 'Says of each instance of a service whether it gets traffic, since when, and why not.',
    load: async () => (await import('./verbs/why.ts')).why,
  },
  history: {
    summary: 'Says what changed about nodes, services and checks, or how the catalog was at a time.',
    load: async () => (await import('./verbs/history.ts')).history,
  },
  watch: {
    summary: 'Watches keys, services, nodes, checks or events, and runs a command at each change.',
    load: async () => (await import('./verbs/watch.ts')).watch,
  },
  monitor: {
    summary: "Shows the agent's log as it is written, until Ctrl-C.",
    load: async () => (await import('./verbs/monitor.ts')).monitor,
  },
  top: {
    summary: 'Shows the busiest services, live: requests, errors, times, instances that are out.',
    load: async () => (await import('./verbs/top.ts')).top,
  },
  rtt: {
    summary: 'Estimates the round trip time between two nodes, from their network coordinates.',
    load: async () => (await import('./verbs/rtt.ts')).rtt,
  },
  debug: {
    summary: 'Packs what helps to find out what is wrong with an agent into one file: state, figures, log.',
    load: async () => (await import('./verbs/debug.ts')).debug,
  },
  info: {
    summary: 'Shows what the agent says about itself, for a look from outside.',
    load: async () => (await import('./verbs/info.ts')).info,
  },
  version: {
    summary: 'Prints the version.',
    load: async () => (await import('./verbs/version.ts')).version,
  },

  'kv get': {
    summary: 'Prints the value of a key.',
    load: async () => (await import('./verbs/kv.ts')).kvGet,
  },
  'kv put': {
    summary: 'Writes the value of a key.',
    load: async () => (await import('./verbs/kv.ts')).kvPut,
  },
  'kv delete': {
    summary: 'Deletes a key, or all keys that begin with it.',
    load: async () => (await import('./verbs/kv.ts')).kvDelete,
  },
  'kv list': {
    summary: 'Lists the keys that begin with a prefix.',
    load: async () => (await import('./verbs/kv.ts')).kvList,
  },
  'kv export': {
    summary: 'Prints all keys that begin with a prefix as JSON, to be read by `kv import`.',
    load: async () => (await import('./verbs/kv.ts')).kvExport,
  },
  'kv import': {
    summary: 'Writes the keys of a file that `kv export` made.',
    load: async () => (await import('./verbs/kv.ts')).kvImport,
  },
  'services register': {
    summary: 'Registers services with the agent, from flags or from files.',
    load: async () => (await import('./verbs/services.ts')).servicesRegister,
  },
  'services deregister': {
    summary: 'Takes services back, by id or by the files they were registered from.',
    load: async () => (await import('./verbs/services.ts')).servicesDeregister,
  },
  maint: {
    summary: 'Takes the node or a service out of traffic, puts it back, or lists what is out.',
    load: async () => (await import('./verbs/maint.ts')).maint,
  },
  drain: {
    summary: 'Takes an instance out of traffic and waits until its requests are done.',
    load: async () => (await import('./verbs/drain.ts')).drain,
  },
  event: {
    summary: 'Fires a custom event, which every agent is told.',
    load: async () => (await import('./verbs/event.ts')).event,
  },
  lock: {
    summary: 'Runs a command while it holds a lock; others that ask for the same lock wait.',
    load: async () => (await import('./verbs/lock.ts')).lock,
  },
  join: {
    summary: 'Has the agent join the cluster of others.',
    load: async () => (await import('./verbs/cluster.ts')).join,
  },
  leave: {
    summary: 'Has the agent leave the catalog and end.',
    load: async () => (await import('./verbs/cluster.ts')).leave,
  },
  'force-leave': {
    summary: 'Takes a failed member out of the cluster.',
    load: async () => (await import('./verbs/cluster.ts')).forceLeave,
  },
  reload: {
    summary: 'Has the agent read its configuration again, or a new process take over from it.',
    load: async () => (await import('./verbs/reload.ts')).reload,
  },
  'snapshot save': {
    summary: 'Writes the whole catalog to a file: nodes, services, keys, sessions, tokens.',
    load: async () => (await import('./verbs/snapshot.ts')).snapshotSave,
  },
  'snapshot restore': {
    summary: 'Puts the catalog of a file in the place of what is there.',
    load: async () => (await import('./verbs/snapshot.ts')).snapshotRestore,
  },
  'snapshot inspect': {
    summary: "Says what a file of `snapshot save` holds, and that it is whole. Consul's are read too.",
    load: async () => (await import('./verbs/snapshot.ts')).snapshotInspect,
  },
  'operator raft list-peers': {
    summary: 'Lists the servers that keep the catalog.',
    load: async () => (await import('./verbs/cluster.ts')).raftListPeers,
  },
  'operator raft remove-peer': {
    summary: 'Removes a server that is gone from those that keep the catalog.',
    load: async () => (await import('./verbs/cluster.ts')).raftRemovePeer,
  },
  'operator autopilot get-config': {
    summary: 'Shows the settings of autopilot, which in Consul clears away servers that are gone.',
    load: async () => (await import('./verbs/autopilot.ts')).autopilotGet,
  },
  'operator autopilot set-config': {
    summary: 'Changes settings of autopilot; those that are not given stay.',
    load: async () => (await import('./verbs/autopilot.ts')).autopilotSet,
  },
  'operator autopilot state': {
    summary: 'Shows the servers one by one: who leads, who has a vote, how each is.',
    load: async () => (await import('./verbs/autopilot.ts')).autopilotState,
  },
  'operator recover': {
    summary: 'Has the server that is left go on alone, after a majority of the servers is lost for good.',
    load: async () => (await import('./verbs/cluster.ts')).recover,
  },
  keyring: {
    summary: 'Lists and changes the keys with which the nodes of a cluster know each other.',
    load: async () => (await import('./verbs/keyring.ts')).keyring,
  },
  'acl bootstrap': {
    summary: 'Makes the first token, which may do everything; once only.',
    load: async () => (await import('./verbs/acl/system.ts')).aclBootstrap,
  },
  'acl token create': {
    summary: 'Makes a token.',
    load: async () => (await import('./verbs/acl/tokens.ts')).tokenCreate,
  },
  'acl token read': {
    summary: 'Shows a token, or with -self the one that the call is made with.',
    load: async () => (await import('./verbs/acl/tokens.ts')).tokenRead,
  },
  'acl token update': {
    summary: 'Changes what a token allows.',
    load: async () => (await import('./verbs/acl/tokens.ts')).tokenUpdate,
  },
  'acl token clone': {
    summary: 'Makes another token that allows the same.',
    load: async () => (await import('./verbs/acl/tokens.ts')).tokenClone,
  },
  'acl token list': {
    summary: 'Lists all tokens.',
    load: async () => (await import('./verbs/acl/tokens.ts')).tokenList,
  },
  'acl token delete': {
    summary: 'Takes a token away: from then on it is worth nothing.',
    load: async () => (await import('./verbs/acl/tokens.ts')).tokenDelete,
  },
  'acl policy create': {
    summary: 'Makes a policy: rules that tokens and roles are linked to.',
    load: async () => (await import('./verbs/acl/policies.ts')).policyCreate,
  },
  'acl policy read': {
    summary: 'Shows a policy with its rules.',
    load: async () => (await import('./verbs/acl/policies.ts')).policyRead,
  },
  'acl policy update': {
    summary: 'Changes a policy; tokens that are linked to it may do what it says from then on.',
    load: async () => (await import('./verbs/acl/policies.ts')).policyUpdate,
  },
  'acl policy list': {
    summary: 'Lists all policies, without their rules.',
    load: async () => (await import('./verbs/acl/policies.ts')).policyList,
  },
  'acl policy delete': {
    summary: 'Takes a policy away, also from the tokens and roles that are linked to it.',
    load: async () => (await import('./verbs/acl/policies.ts')).policyDelete,
  },
  'acl role create': {
    summary: 'Makes a role: policies that several tokens have in common.',
    load: async () => (await import('./verbs/acl/roles.ts')).roleCreate,
  },
  'acl role read': {
    summary: 'Shows a role.',
    load: async () => (await import('./verbs/acl/roles.ts')).roleRead,
  },
  'acl role update': {
    summary: 'Changes a role.',
    load: async () => (await import('./verbs/acl/roles.ts')).roleUpdate,
  },
  'acl role list': {
    summary: 'Lists all roles.',
    load: async () => (await import('./verbs/acl/roles.ts')).roleList,
  },
  'acl role delete': {
    summary: 'Takes a role away, also from the tokens that are linked to it.',
    load: async () => (await import('./verbs/acl/roles.ts')).roleDelete,
  },
  'acl set-agent-token': {
    summary: 'Gives the agent a token that it uses itself.',
    load: async () => (await import('./verbs/acl/system.ts')).setAgentToken,
  },
  'acl translate-rules': {
    summary: "Prints rules of before Consul 1.4 in today's language.",
    load: async () => (await import('./verbs/acl/system.ts')).translateRules,
  },
  'config read': {
    summary: 'Prints a config entry as JSON.',
    load: async () => (await import('./verbs/config-entries.ts')).configRead,
  },
  'config list': {
    summary: 'Lists the names of the config entries of a kind.',
    load: async () => (await import('./verbs/config-entries.ts')).configList,
  },
  'config write': {
    summary: 'Writes a config entry from a file of JSON or HCL.',
    load: async () => (await import('./verbs/config-entries.ts')).configWrite,
  },
  'config delete': {
    summary: 'Deletes a config entry.',
    load: async () => (await import('./verbs/config-entries.ts')).configDelete,
  },
  'group ls': {
    summary: 'Lists the groups that the agent runs.',
    load: async () => (await import('./verbs/group.ts')).groupList,
  },
  'group show': {
    summary: 'Shows a group: its instances, its rollout, why it has the size it has.',
    load: async () => (await import('./verbs/group.ts')).groupShow,
  },
  'group scale': {
    summary: 'Sets how many instances a group has.',
    load: async () => (await import('./verbs/group.ts')).groupScale,
  },
  'group roll': {
    summary: 'Replaces all instances of a group, a few at a time.',
    load: async () => (await import('./verbs/group.ts')).groupRoll,
  },
  'group pause': {
    summary: 'Holds the rollout of a group where it is.',
    load: async () => (await import('./verbs/group.ts')).groupPause,
  },
  'group resume': {
    summary: 'Goes on with a rollout that waits, to its end.',
    load: async () => (await import('./verbs/group.ts')).groupResume,
  },
  'group rollback': {
    summary: 'Takes the rollout of a group back.',
    load: async () => (await import('./verbs/group.ts')).groupRollBack,
  },
  'group simulate': {
    summary: 'Replays a load against an autoscaling policy and shows instances and refusals.',
    load: async () => (await import('./verbs/group-simulate.ts')).groupSimulate,
  },
  load: {
    summary: 'Sends requests at a fixed rate, or holds connections, and says how they fared.',
    load: async () => (await import('./verbs/load.ts')).load,
  },
  chaos: {
    summary: 'Kills, pauses, slows and cuts off parts of a stack under load, and shows what clients saw.',
    load: async () => (await import('./verbs/chaos.ts')).chaos,
  },
  keygen: {
    summary: 'Prints a new key with which the nodes of a cluster know and encrypt each other.',
    load: async () => (await import('./verbs/keygen.ts')).keygen,
  },

  validate: {
    summary: 'Checks configuration files and stacks without starting anything.',
    load: async () => (await import('./verbs/config.ts')).validate,
  },
  'config print': {
    summary: 'Prints the configuration that files make together, as TOML.',
    load: async () => (await import('./verbs/config.ts')).configPrint,
  },
  completion: {
    summary: 'Prints a script that completes verbs and flags in a shell.',
    load: async () => (await import('./verbs/completion.ts')).completion,
  },
};
