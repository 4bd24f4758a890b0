import { readServiceDefinition } from '../api/agent/service-body.ts';
import { DockerEngine } from '../docker/engine.ts';
import { MusterError, messageOf } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { engineEnv } from '../registrator/engine-env.ts';
import { faultOfOptions } from '../registrator/options.ts';
import { Registrator } from '../registrator/registrator.ts';
import { OWNER_KEY } from '../registrator/services.ts';
import { tagTemplate } from '../registrator/tag-template.ts';
import type { Target } from '../registrator/target.ts';
import { checkIdOf, printOf, registrationOf } from '../registrator/targets/consul.ts';
import type { Registry } from '../registry/registry.ts';
import type { Config } from './config/schema.ts';

export interface AgentRegistratorParts {
  readonly config: Config['registrator'];
  readonly node: { readonly name: string; readonly address: string };
  readonly registry: Registry;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** Registers containers with the agent's own registry. Throws `config.invalid`. */
export function startAgentRegistrator(parts: AgentRegistratorParts): Registrator {
  const { config, node, registry, env, logger, ...rest } = parts;
  const { enabled: _, engine, certPath, tlsVerify, hostname, ...flags } = config;
  const options = { ...flags, hostname: hostname || node.name, ttl: 0, ttlRefresh: 0 };
  const fault = faultOfOptions(options);
  if (fault !== undefined) throw new MusterError('config.invalid', `[registrator]: ${fault}`);
  const registrator = new Registrator({
    ...rest,
    engine: DockerEngine.fromEnv({
      ...engineEnv(env),
      ...(engine === undefined ? {} : { DOCKER_HOST: engine }),
      ...(certPath === undefined ? {} : { DOCKER_CERT_PATH: certPath }),
      ...(tlsVerify === undefined ? {} : { DOCKER_TLS_VERIFY: tlsVerify ? '1' : '' }),
    }),
    target: ownRegistry(registry),
    options,
    hostAddress: '',
    nodeAddress: node.address,
    tags: tagTemplate(options.tags),
    logger: logger.child('registrator'),
  });
  registrator.start();
  return registrator;
}

/** The agent's registry as a target: what the API of agents would do, without the way over it. */
function ownRegistry(registry: Registry): Target {
  return {
    address: 'this agent',
    ping: () => Promise.resolve(),
    async list() {
      return registry.services().map(({ meta, enableTagOverride: tagOverride, ...service }) => {
        const { id, name } = service;
        const hasCheck = registry.check(checkIdOf(id)) !== undefined;
        const print = printOf({ ...service, meta: meta ?? {}, tagOverride, hasCheck });
        return { id, name, owner: meta?.[OWNER_KEY], print };
      });
    },
    print: (service) => printOf({ ...service, hasCheck: service.check !== undefined }),
    async put(service) {
      let definition: ReturnType<typeof readServiceDefinition>;
      try {
        definition = readServiceDefinition(registrationOf(service));
      } catch (cause) {
        throw new MusterError('request.rejected', messageOf(cause), { cause });
      }
      await registry.registerService(definition);
      const { id, check, verdict } = service;
      if (verdict !== undefined) await registry.updateTtl(checkIdOf(id), verdict.status, verdict.output);
      // Not `replaceExistingChecks`, which would end a maintenance.
      if (check === undefined) await registry.deregisterCheck(checkIdOf(id));
    },
    async remove({ id }) {
      await registry.deregisterService(id);
    },
  };
}
