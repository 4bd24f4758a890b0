/**
 * Every verb of the command line, in the order of the help: run, look, act, check. Parsing, help, completion and
 * docs/reference/cli.md come from this table; a verb is one file and one line here.
 */
import type { Verbs } from './help.ts';
import { policyCreate, policyDelete, policyList, policyRead, policyUpdate } from './verbs/acl/policies.ts';
import { roleCreate, roleDelete, roleList, roleRead, roleUpdate } from './verbs/acl/roles.ts';
import { aclBootstrap, setAgentToken, translateRules } from './verbs/acl/system.ts';
import {
  tokenClone,
  tokenCreate,
  tokenDelete,
  tokenList,
  tokenRead,
  tokenUpdate,
} from './verbs/acl/tokens.ts';
import { agent } from './verbs/agent.ts';
import { autopilotGet, autopilotSet, autopilotState } from './verbs/autopilot.ts';
import { catalogDatacenters, catalogNodes, catalogServices } from './verbs/catalog.ts';
import { chaos } from './verbs/chaos.ts';
import { forceLeave, join, leave, raftListPeers, raftRemovePeer, recover } from './verbs/cluster.ts';
import { completion } from './verbs/completion.ts';
import { configPrint, validate } from './verbs/config.ts';
import { configDelete, configList, configRead, configWrite } from './verbs/config-entries.ts';
import { debug } from './verbs/debug.ts';
import { dns } from './verbs/dns.ts';
import { drain } from './verbs/drain.ts';
import { event } from './verbs/event.ts';
import { explain } from './verbs/explain.ts';
import {
  groupList,
  groupPause,
  groupResume,
  groupRoll,
  groupRollBack,
  groupScale,
  groupShow,
} from './verbs/group.ts';
import { groupSimulate } from './verbs/group-simulate.ts';
import { health } from './verbs/health.ts';
import { history } from './verbs/history.ts';
import { info } from './verbs/info.ts';
import { keygen } from './verbs/keygen.ts';
import { keyring } from './verbs/keyring.ts';
import { kvDelete, kvExport, kvGet, kvImport, kvList, kvPut } from './verbs/kv.ts';
import { lb } from './verbs/lb.ts';
import { lbFromConsul, lbFromFile, lbFromUrl } from './verbs/lb-gobetween.ts';
import { load } from './verbs/load.ts';
import { lock } from './verbs/lock.ts';
import { maint } from './verbs/maint.ts';
import { members } from './verbs/members.ts';
import { monitor } from './verbs/monitor.ts';
import { registrator } from './verbs/registrator.ts';
import { reload } from './verbs/reload.ts';
import { routes } from './verbs/routes.ts';
import { rtt } from './verbs/rtt.ts';
import { servicesDeregister, servicesRegister } from './verbs/services.ts';
import { snapshotInspect, snapshotRestore, snapshotSave } from './verbs/snapshot.ts';
import { template } from './verbs/template.ts';
import { top } from './verbs/top.ts';
import { up } from './verbs/up.ts';
import { version } from './verbs/version.ts';
import { watch } from './verbs/watch.ts';
import { why } from './verbs/why.ts';

export const verbs: Verbs = {
  up,
  agent,
  lb,
  'lb from-file': lbFromFile,
  'lb from-url': lbFromUrl,
  'lb from-consul': lbFromConsul,
  registrator,
  template,
  dns,

  members,
  'catalog nodes': catalogNodes,
  'catalog services': catalogServices,
  'catalog datacenters': catalogDatacenters,
  health,
  routes,
  explain,
  why,
  history,
  watch,
  monitor,
  top,
  rtt,
  debug,
  info,
  version,

  'kv get': kvGet,
  'kv put': kvPut,
  'kv delete': kvDelete,
  'kv list': kvList,
  'kv export': kvExport,
  'kv import': kvImport,
  'services register': servicesRegister,
  'services deregister': servicesDeregister,
  maint,
  drain,
  event,
  lock,
  join,
  leave,
  'force-leave': forceLeave,
  reload,
  'snapshot save': snapshotSave,
  'snapshot restore': snapshotRestore,
  'snapshot inspect': snapshotInspect,
  'operator raft list-peers': raftListPeers,
  'operator raft remove-peer': raftRemovePeer,
  'operator autopilot get-config': autopilotGet,
  'operator autopilot set-config': autopilotSet,
  'operator autopilot state': autopilotState,
  'operator recover': recover,
  keyring,
  'acl bootstrap': aclBootstrap,
  'acl token create': tokenCreate,
  'acl token read': tokenRead,
  'acl token update': tokenUpdate,
  'acl token clone': tokenClone,
  'acl token list': tokenList,
  'acl token delete': tokenDelete,
  'acl policy create': policyCreate,
  'acl policy read': policyRead,
  'acl policy update': policyUpdate,
  'acl policy list': policyList,
  'acl policy delete': policyDelete,
  'acl role create': roleCreate,
  'acl role read': roleRead,
  'acl role update': roleUpdate,
  'acl role list': roleList,
  'acl role delete': roleDelete,
  'acl set-agent-token': setAgentToken,
  'acl translate-rules': translateRules,
  'config read': configRead,
  'config list': configList,
  'config write': configWrite,
  'config delete': configDelete,
  'group ls': groupList,
  'group show': groupShow,
  'group scale': groupScale,
  'group roll': groupRoll,
  'group pause': groupPause,
  'group resume': groupResume,
  'group rollback': groupRollBack,
  'group simulate': groupSimulate,
  load,
  chaos,
  keygen,

  validate,
  'config print': configPrint,
  completion,
};
