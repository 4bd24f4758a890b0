/**
 * A managed instance group of Google Compute Engine over its REST API, version 1: the four calls that a group needs
 * (docs/decisions/0082).
 */
import { fetchTrouble, MusterError } from '../../errors.ts';

const ENDPOINT = 'https://compute.googleapis.com/compute/v1';
/** For an answer; ms. */
const TIMEOUT = 20_000;
/** Most that the API gives at a time. */
const PAGE = 500;

export interface GceSpec {
  readonly project: string;
  /** Of a group in one zone. */
  readonly zone?: string | undefined;
  /** Of a group over the zones of a region. */
  readonly region?: string | undefined;
  /** Name of the managed instance group. */
  readonly name: string;
  /** Path of a service account's key; undefined: the account of the machine. */
  readonly credentials?: string | undefined;
  /** Where the API and the metadata server are, for proxies and tests; undefined: Google's. */
  readonly endpoint?: string | undefined;
  readonly metadata?: string | undefined;
}

/** What of an `instanceGroupManager` is used. */
export interface Manager {
  readonly targetSize: number;
  readonly instanceTemplate?: string;
  readonly status?: { readonly isStable?: boolean; readonly autoscaler?: string };
}

/** What of a `managedInstance` is used. */
export interface ManagedInstance {
  /** A URL that ends with the name. */
  readonly instance?: string;
  readonly name?: string;
  readonly id?: string;
  /** "RUNNING", "PROVISIONING", …; none while there is no machine. */
  readonly instanceStatus?: string;
  /** "NONE", "CREATING", "DELETING", … */
  readonly currentAction?: string;
  readonly lastAttempt?: {
    readonly errors?: { readonly errors?: readonly { readonly code?: string; readonly message?: string }[] };
  };
}

/** Calls reject with `group.failed` in Google's own words. */
export class GceClient {
  readonly #base: string;
  readonly #token: () => Promise<string>;

  constructor({ project, zone, region, name, endpoint = ENDPOINT }: GceSpec, token: () => Promise<string>) {
    const place = zone === undefined ? `regions/${region}` : `zones/${zone}`;
    this.#base = `${endpoint}/projects/${project}/${place}/instanceGroupManagers/${name}`;
    this.#token = token;
  }

  async manager(): Promise<Manager> {
    const manager = (await this.#call('GET', '')) as Partial<Manager>;
    if (!Number.isInteger(manager.targetSize))
      throw new MusterError('group.failed', `${this.#base} does not answer with a managed instance group`);
    return manager as Manager;
  }

  async instances(): Promise<ManagedInstance[]> {
    const all: ManagedInstance[] = [];
    let token = '';
    do {
      const page = token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`;
      const answer = (await this.#call('POST', `/listManagedInstances?maxResults=${PAGE}${page}`)) as {
        managedInstances?: ManagedInstance[];
        nextPageToken?: string;
      };
      all.push(...(answer.managedInstances ?? []));
      token = answer.nextPageToken ?? '';
    } while (token !== '');
    return all;
  }

  async resize(size: number): Promise<void> {
    await this.#call('POST', `/resize?size=${size}`);
  }

  /** Deletes these, by their URLs, and takes as many off the size. */
  async remove(instances: readonly string[]): Promise<void> {
    await this.#call('POST', '/deleteInstances', { instances, skipInstancesOnValidationError: true });
  }

  async #call(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const token = await this.#token();
    let status: number;
    let text: string;
    try {
      const answer = await fetch(this.#base + path, {
        method,
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT),
      });
      status = answer.status;
      text = await answer.text();
    } catch (cause) {
      throw new MusterError('group.failed', `${this.#base} does not answer: ${fetchTrouble(cause)}`, {
        cause,
      });
    }
    const value = parsed(text);
    if (status < 200 || status > 299)
      throw new MusterError(
        'group.failed',
        `${this.#base}: ${value?.error?.message ?? `status ${status}`}${adviceFor(status)}`,
      );
    // An operation that could not even begin says so in its answer.
    const [fault] = (value?.error as { errors?: { message?: string }[] } | undefined)?.errors ?? [];
    if (fault !== undefined)
      throw new MusterError('group.failed', `${this.#base}: ${fault.message ?? 'refused'}`);
    return value ?? {};
  }
}

function parsed(text: string): { error?: { message?: string } } | undefined {
  try {
    return JSON.parse(text) as { error?: { message?: string } };
  } catch {
    return undefined;
  }
}

function adviceFor(status: number): string {
  if (status === 403)
    return ' (the service account needs compute.instanceGroupManagers.get and .update, as in the role roles/compute.instanceAdmin.v1)';
  if (status === 404) return ' (see project, zone or region, and name in [group.gce])';
  return '';
}
