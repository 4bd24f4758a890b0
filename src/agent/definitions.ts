import { EMPTY_SPEC } from '../health/spec.ts';
import type {
  CheckDefinition,
  ServiceCheckDefinition,
  ServiceDefinition,
  StaticDefinitions,
} from '../registry/definition.ts';
import type { Config } from './config/schema.ts';

type CheckConfig = Config['service'][number]['checks'][number];
type NodeCheckConfig = Config['check'][number];
type ServiceConfig = Config['service'][number];

/** Services and checks of the configuration, as the registry takes them. */
export function definitionsOf({ service, check }: Pick<Config, 'service' | 'check'>): StaticDefinitions {
  return { services: service.map(serviceDefinition), checks: check.map(nodeCheck) };
}

/** One service of the configuration, as the registry takes it. */
export function serviceDefinition({ check, checks, ...service }: ServiceConfig): ServiceDefinition {
  return {
    id: service.id ?? service.name,
    name: service.name,
    kind: service.kind,
    tags: service.tags,
    address: service.address,
    port: service.port,
    socketPath: service.socketPath,
    taggedAddresses: service.taggedAddresses,
    meta: service.meta,
    weights: service.weights,
    enableTagOverride: service.enableTagOverride,
    // In files `check` comes last: checks without an id are numbered as in Consul.
    checks: [...checks, ...(check === undefined ? [] : [check])].map(checkDefinition),
  };
}

function nodeCheck(check: NodeCheckConfig): CheckDefinition {
  const definition = checkDefinition(check);
  const name = definition.name === '' ? definition.id : definition.name;
  return { ...definition, name, id: definition.id === '' ? name : definition.id, serviceId: check.serviceId };
}

function checkDefinition(check: CheckConfig): ServiceCheckDefinition {
  return {
    id: check.id ?? '',
    name: check.name ?? '',
    notes: check.notes,
    status: check.status,
    spec: {
      ...EMPTY_SPEC,
      http: check.http ?? '',
      method: check.method,
      header: check.header,
      body: check.body,
      tlsServerName: check.tlsServerName,
      tlsSkipVerify: check.tlsSkipVerify,
      disableRedirects: check.disableRedirects,
      tcp: check.tcp ?? '',
      udp: check.udp ?? '',
      grpc: check.grpc ?? '',
      grpcUseTls: check.grpcUseTls,
      h2ping: check.h2ping ?? '',
      h2pingUseTls: check.h2pingUseTls,
      args: check.args ?? [],
      shell: check.shell,
      dockerContainerId: check.dockerContainerId,
      aliasService: check.aliasService ?? '',
      aliasNode: check.aliasNode ?? '',
      ttl: check.ttl ?? 0,
      interval: check.interval ?? 0,
      timeout: check.timeout ?? 0,
      deregisterCriticalServiceAfter: check.deregisterCriticalServiceAfter ?? 0,
      outputMaxSize: check.outputMaxSize ?? 0,
      failuresBeforeWarning: check.failuresBeforeWarning,
      successBeforePassing: check.successBeforePassing,
      failuresBeforeCritical: check.failuresBeforeCritical,
    },
  };
}
