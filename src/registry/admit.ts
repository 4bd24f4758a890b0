import { MusterError } from '../errors.ts';
import { kindOf } from '../health/kinds.ts';
import { DEFAULT_OUTPUT_MAX_SIZE } from '../health/output.ts';
import { type CheckSpec, faultOf } from '../health/spec.ts';
import type { Source } from './definition.ts';
import type { LocalCheck, LocalService, LocalState } from './local.ts';

export interface RegistryLimits {
  /** Services of this node. */
  services: number;
  /** Checks of this node. */
  checks: number;
  /** Bytes of a check's output. */
  outputMaxSize: number;
  /** Nothing of it is kept. */
  discardOutput: boolean;
}

/** A hundred thousand of each are some hundred megabytes; more on one node is a client gone wild. */
export const DEFAULT_REGISTRY_LIMITS: RegistryLimits = {
  services: 100_000,
  checks: 100_000,
  outputMaxSize: DEFAULT_OUTPUT_MAX_SIZE,
  discardOutput: false,
};

/** Who may register checks that run programs: nobody, the configuration of this agent, or clients too. */
export type ScriptsFrom = 'nobody' | 'config' | 'anybody';

/** Throws `request.rejected` for a check that is not valid or that this agent does not carry out. */
export function admitChecks(specs: readonly CheckSpec[], source: Source, scripts: ScriptsFrom): void {
  for (const spec of specs) {
    const fault = faultOf(spec);
    if (fault !== undefined) throw rejected(`Check is not valid: ${fault}`);
    if (kindOf(spec) === undefined) throw rejected('Check type is not valid');
    const refusal = scriptRefusal(spec, source, scripts);
    if (refusal !== undefined) throw rejected(refusal);
  }
}

/** Why a check may not run its program, in Consul's words; undefined when it may or has none. */
export function scriptRefusal(spec: CheckSpec, source: Source, scripts: ScriptsFrom): string | undefined {
  if (spec.args.length === 0 || scripts === 'anybody') return undefined;
  if (source === 'api')
    return "Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' to true";
  return scripts === 'config'
    ? undefined
    : "Scripts are disabled on this agent; to enable, configure 'enable_script_checks' or 'enable_local_script_checks' to true";
}

/** Throws `request.rejected` when these would be too many. */
export function admitMore(
  local: LocalState,
  limits: RegistryLimits,
  service: LocalService | undefined,
  checks: readonly LocalCheck[],
): void {
  const isNew = service !== undefined && local.service(service.id) === undefined;
  if (isNew && local.serviceCount >= limits.services)
    throw rejected(`this node has ${limits.services} services already, no more are taken`);
  const fresh = checks.filter(({ id }) => local.check(id) === undefined).length;
  if (fresh > 0 && local.checkCount + fresh > limits.checks)
    throw rejected(`this node has at most ${limits.checks} checks, no more are taken`);
}

export function rejected(message: string): MusterError {
  return new MusterError('request.rejected', message);
}

/** A check names a service that is not registered here. */
export function noSuchService(id: string): MusterError {
  return rejected(`ServiceID ${JSON.stringify(id)} does not exist`);
}
