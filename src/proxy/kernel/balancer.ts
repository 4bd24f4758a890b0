/** Listeners whose flows the kernel balances: kept in step with their instances, one transaction for each change. */
import { MusterError, messageOf } from '../../errors.ts';
import { formatHostPort } from '../../lib/host-port.ts';
import { isIPv6 } from '../../lib/ip.ts';
import type { Logger } from '../../lib/log.ts';
import { faultOfListener, faultOfTarget, isLoopback } from './fitness.ts';
import { endFlows, faultOfForwarding, transact } from './nft.ts';
import { type KernelListener, type KernelTarget, removalRules, tableRules, targetRules } from './ruleset.ts';

export interface KernelBalancerOptions {
  /** Letters, digits and "_": tells several balancers of one machine apart. */
  readonly table: string;
  readonly listeners: readonly KernelListener[];
  readonly logger: Logger;
}

/** One listener with what the kernel was told last. */
interface Followed {
  readonly listener: KernelListener;
  targets: readonly KernelTarget[];
  /** Told already, by its text: nothing is told twice. */
  told: string;
  /** Targets that cannot be used, so that each is reported once. */
  readonly reported: Set<string>;
}

export class KernelBalancer {
  readonly #table: string;
  readonly #logger: Logger;
  readonly #followed: Map<string, Followed>;
  #isDue = false;
  #working: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #mayEndFlows = true;

  private constructor({ table, listeners, logger }: KernelBalancerOptions) {
    this.#table = table;
    this.#logger = logger;
    this.#followed = new Map(
      listeners.map((listener) => [listener.id, { listener, targets: [], told: '', reported: new Set() }]),
    );
  }

  /** Throws `kernel.refused` when it cannot work here, with what to do about it; nothing is left behind then. */
  static async start(options: KernelBalancerOptions): Promise<KernelBalancer> {
    for (const listener of options.listeners) {
      const fault = faultOfListener(listener);
      const forwarding = isLoopback(listener.host)
        ? ''
        : await faultOfForwarding(isIPv6(listener.host) ? 6 : 4);
      if (fault !== '' || forwarding !== '')
        throw new MusterError(
          'kernel.refused',
          `cannot balance ${nameOf(listener)} in the kernel: ${fault || forwarding}`,
        );
    }
    const balancer = new KernelBalancer(options);
    await transact(tableRules(options.table, options.listeners));
    return balancer;
  }

  /** Instances of a listener from now on. Changes that come in one turn of the loop are one transaction. */
  set(id: string, targets: readonly KernelTarget[]): void {
    const followed = this.#followed.get(id);
    if (followed === undefined || this.#stopped !== undefined) return;
    const fit = targets.filter((target) => this.#isFit(followed, target));
    const gone = followed.targets.filter((one) => !fit.some((other) => isSamePlace(one, other)));
    followed.targets = fit;
    if (followed.listener.protocol === 'udp') for (const target of gone) void this.#endFlows(target);
    this.#tellSoon();
  }

  /** Resolves when the kernel has been told everything so far. */
  async settled(): Promise<void> {
    while (this.#isDue) await new Promise((resolve) => setImmediate(resolve));
    await this.#working;
  }

  /** Takes the rules away; flows that stand go on. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= (async () => {
      await this.#working;
      await transact(removalRules(this.#table));
    })();
    return this.#stopped;
  }

  #tellSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      // One after the other: the last word has to be the newest.
      this.#working = this.#working.then(() => this.#tell());
    });
  }

  async #tell(): Promise<void> {
    if (this.#stopped !== undefined) return;
    const changed = [...this.#followed.values()]
      .map((followed) => ({ followed, rules: targetRules(this.#table, followed.listener, followed.targets) }))
      .filter(({ followed, rules }) => rules !== followed.told);
    if (changed.length === 0) return;
    try {
      await transact(changed.map(({ rules }) => rules).join(''));
      for (const { followed, rules } of changed) followed.told = rules;
    } catch (error) {
      // Somebody flushed our table, most likely: the whole of it is put back.
      this.#logger.error(`the kernel keeps the old rules, trying the whole table: ${messageOf(error)}`);
      await this.#restore();
    }
  }

  async #restore(): Promise<void> {
    const all = [...this.#followed.values()];
    const rules = all.map(({ listener, targets }) => targetRules(this.#table, listener, targets));
    try {
      await transact(
        tableRules(
          this.#table,
          all.map(({ listener }) => listener),
        ) + rules.join(''),
      );
      for (const [at, followed] of all.entries()) followed.told = rules[at]!;
    } catch (error) {
      this.#logger.error(messageOf(error));
    }
  }

  #isFit({ listener, reported }: Followed, target: KernelTarget): boolean {
    const fault = faultOfTarget(listener, target);
    if (fault === '') return true;
    const place = formatHostPort(target.host, target.port);
    if (!reported.has(place)) this.#logger.warn(`${nameOf(listener)} leaves ${place} out: ${fault}`);
    reported.add(place);
    return false;
  }

  async #endFlows(target: KernelTarget): Promise<void> {
    if (!this.#mayEndFlows || (await endFlows(target))) return;
    this.#mayEndFlows = false;
    this.#logger.warn(
      'UDP flows to instances that are gone end only when their clients pause for 30 s: the program conntrack is not there (Debian: apt-get install conntrack)',
    );
  }
}

function nameOf({ protocol, host, port }: KernelListener): string {
  return `${protocol} ${formatHostPort(host, port)}`;
}

function isSamePlace(one: KernelTarget, other: KernelTarget): boolean {
  return one.host === other.host && one.port === other.port;
}
