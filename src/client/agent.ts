import { type CallOptions, type Connection, callOf, segment } from './connection.ts';
import type {
  AgentSelf,
  AgentService,
  CheckRegistration,
  CheckState,
  HealthCheck,
  Member,
  ServiceRegistration,
} from './types.ts';

/** A new process has to load the catalog (ms). */
const REPLACE_TIMEOUT = 240_000;
/** The others have to hear of it, and etcd takes nobody out in the moments after somebody came (ms). */
const LEAVE_TIMEOUT = 60_000;

/** The agent that is asked: itself, and what is registered with it. */
export class AgentCalls {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  self(options: CallOptions = {}): Promise<AgentSelf> {
    return this.#get('/v1/agent/self', options);
  }

  members(options: CallOptions & { wan?: boolean } = {}): Promise<Member[]> {
    return this.#get('/v1/agent/members', options, options.wan ? { wan: 1 } : {});
  }

  /** Instances by ID. */
  services(options: CallOptions & { filter?: string } = {}): Promise<Record<string, AgentService>> {
    return this.#get('/v1/agent/services', options, { filter: options.filter });
  }

  /** One instance, or undefined when none has that ID. */
  async service(id: string, options: CallOptions = {}): Promise<AgentService | undefined> {
    const path = `/v1/agent/service/${segment(id)}`;
    return (await this.#connection.get<AgentService | undefined>({ ...callOf(options), path, accept: [404] }))
      .value;
  }

  /** `replaceExistingChecks` takes away checks of the instance that the registration does not name. */
  async register(
    registration: ServiceRegistration,
    options: CallOptions & { replaceExistingChecks?: boolean } = {},
  ): Promise<void> {
    await this.#put('/v1/agent/service/register', options, registration, {
      'replace-existing-checks': options.replaceExistingChecks,
    });
  }

  async deregister(id: string, options: CallOptions = {}): Promise<void> {
    await this.#put(`/v1/agent/service/deregister/${segment(id)}`, options);
  }

  /** Takes an instance out of every answer, or puts it back. */
  async maintainService(
    id: string,
    enable: boolean,
    options: CallOptions & { reason?: string } = {},
  ): Promise<void> {
    await this.#put(`/v1/agent/service/maintenance/${segment(id)}`, options, undefined, {
      enable: String(enable),
      reason: options.reason,
    });
  }

  /** The same for all that runs on the node. */
  async maintainNode(enable: boolean, options: CallOptions & { reason?: string } = {}): Promise<void> {
    await this.#put('/v1/agent/maintenance', options, undefined, {
      enable: String(enable),
      reason: options.reason,
    });
  }

  /** Checks by ID. */
  checks(options: CallOptions & { filter?: string } = {}): Promise<Record<string, HealthCheck>> {
    return this.#get('/v1/agent/checks', options, { filter: options.filter });
  }

  async registerCheck(registration: CheckRegistration, options: CallOptions = {}): Promise<void> {
    await this.#put('/v1/agent/check/register', options, registration);
  }

  async deregisterCheck(id: string, options: CallOptions = {}): Promise<void> {
    await this.#put(`/v1/agent/check/deregister/${segment(id)}`, options);
  }

  /** Reports on a TTL check; `note` becomes its output. */
  pass(id: string, options: CallOptions & { note?: string } = {}): Promise<void> {
    return this.#report('pass', id, options);
  }

  warn(id: string, options: CallOptions & { note?: string } = {}): Promise<void> {
    return this.#report('warn', id, options);
  }

  fail(id: string, options: CallOptions & { note?: string } = {}): Promise<void> {
    return this.#report('fail', id, options);
  }

  /** Reports on a TTL check with an output of any length the agent takes. */
  async update(id: string, status: CheckState, output: string, options: CallOptions = {}): Promise<void> {
    const body = { Status: status, Output: output };
    await this.#put(`/v1/agent/check/update/${segment(id)}`, options, body);
  }

  async join(address: string, options: CallOptions & { wan?: boolean } = {}): Promise<void> {
    const wan = options.wan ? { wan: 1 } : {};
    await this.#put(`/v1/agent/join/${encodeURI(address)}`, options, undefined, wan);
  }

  /** Resolves once the node has left; its agent ends then. Rejects when the others could not be told; it ends, too. */
  async leave(options: CallOptions = {}): Promise<void> {
    await this.#connection.send({
      ...callOf(options),
      method: 'PUT',
      path: '/v1/agent/leave',
      timeout: LEAVE_TIMEOUT,
    });
  }

  async forceLeave(node: string, options: CallOptions & { prune?: boolean } = {}): Promise<void> {
    const params = { prune: options.prune ?? false };
    await this.#put(`/v1/agent/force-leave/${segment(node)}`, options, undefined, params);
  }

  /** Resolves with the settings that were changed and are read at the start only (`replace` puts them in force). */
  async reload(options: CallOptions = {}): Promise<string[]> {
    const answer = await this.#connection.put<{ NeedProcess: string[] } | undefined>(
      '/v1/agent/reload',
      options,
    );
    return answer?.NeedProcess ?? [];
  }

  /** Has a new process take over from the agent's; resolves with its pid once it serves. Rejects with why it does not. */
  async replace(options: CallOptions = {}): Promise<number> {
    const { value } = await this.#connection.get<{ Pid: number }>({
      ...callOf(options),
      method: 'PUT',
      path: '/v1/agent/reload',
      params: { process: true },
      timeout: REPLACE_TIMEOUT,
    });
    return value.Pid;
  }

  /** The agent's log from now on, in pieces as they come, until `signal` is aborted. */
  monitor(
    options: CallOptions & { level?: string; json?: boolean } = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const params = { loglevel: options.level, logjson: options.json };
    return this.#connection.stream({ ...callOf(options), path: '/v1/agent/monitor', params });
  }

  async #report(verb: string, id: string, options: CallOptions & { note?: string }): Promise<void> {
    const path = `/v1/agent/check/${verb}/${segment(id)}`;
    await this.#put(path, options, undefined, { note: options.note });
  }

  async #get<T>(path: string, options: CallOptions, params = {}): Promise<T> {
    return (await this.#connection.get<T>({ ...callOf(options), path, params })).value;
  }

  #put(path: string, options: CallOptions, body?: unknown, params = {}): Promise<unknown> {
    return this.#connection.put(path, options, body, params);
  }
}
