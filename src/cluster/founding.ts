import { randomUUID } from 'node:crypto';
import { messageOf } from '../errors.ts';
import type { Logger } from '../lib/log.ts';
import type { Book } from './book.ts';
import type { Gossip } from './gossip.ts';
import { type Membership, type MembershipFile, ordinalIn, ordinalsFor, type Plan } from './membership.ts';
import { type Admission, JOIN_PATIENCE } from './roster.ts';

const CALL_TIMEOUT = 5_000;
/** A hello that was on its way when the promise was asked for is older than the plan. */
const MAX_DOUBTS = 25;

export interface FoundingOptions {
  book: Book;
  file: MembershipFile;
  gossip: Gossip;
  expect: number;
  peerPort: number;
  logger: Logger;
}

/** Why a server of the cluster did not take this one in. */
export interface Refusal {
  /** Name of the server. */
  readonly by: string;
  readonly why: string;
}

/**
 * How servers become a cluster. Who hears of a cluster joins it. When all who may be there were asked, as many servers as expected
 * know each other and none is a member yet, the one with the lowest ID proposes a plan. Each promises itself to one plan only, on
 * disk; once all have, the coordinator is a member, and those that see that are too. So no two clusters can come
 * of the same servers, whoever sees whom when.
 */
export class Founding {
  readonly #options: FoundingOptions;
  /** How often in a row the coordinator was heard without the plan that was promised to it. */
  #doubts = 0;
  #refusal: Refusal | undefined;

  constructor(options: FoundingOptions) {
    this.#options = options;
  }

  /** What was answered when it last asked to be taken in, unless it was. */
  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  /** Does what can be done now. True once this server is a member. Throws `store.unusable` where that cannot be written down. */
  async turn(): Promise<boolean> {
    const { book, file, gossip, expect, logger } = this.#options;
    const membership = file.get();
    this.#refusal = undefined;
    if (membership?.state === 'member') return true;
    if (membership !== undefined && membership.coordinator !== book.self.id) return this.#await(membership);
    if (membership !== undefined) return this.#propose(membership);
    const others = gossip.reachable();
    const member = others.find(({ hello }) => hello.cluster !== undefined);
    if (member !== undefined) {
      let admitted: Admission;
      try {
        admitted = await gossip.callerTo(member.entry).call<Admission>('join', book.self, JOIN_PATIENCE);
      } catch (error) {
        this.#refusal = { by: member.entry.name, why: messageOf(error) };
        return false;
      }
      const { cluster, ...admission } = admitted;
      file.set({ ...admission, id: cluster, coordinator: '', state: 'member', isNew: false });
      logger.info('this server joins the cluster', { by: member.entry.name, ordinal: admission.ordinal });
      return true;
    }
    // A cluster that was heard of is there, though who told of it is silent just now. Who founds before all were asked may overlook one.
    const isKnown = book.others().some(({ id }) => gossip.lastOf(id)?.cluster !== undefined);
    if (isKnown || !gossip.hasAskedAll()) return false;
    const free = others.filter(({ hello }) => hello.plan === undefined && hello.expect === expect);
    const ids = [book.self.id, ...free.map(({ entry }) => entry.id)].sort();
    if (expect < 1 || ids.length < expect || ids[0] !== book.self.id) return false;
    const plan: Plan = {
      id: randomUUID(),
      coordinator: book.self.id,
      peerPort: this.#options.peerPort,
      servers: ordinalsFor(ids.slice(0, expect)),
    };
    return this.#propose(this.#accept(plan));
  }

  /** Asked by a coordinator. True: this server takes part in no other cluster. */
  promise(plan: Plan): boolean {
    const { file, book } = this.#options;
    const membership = file.get();
    if (membership !== undefined) return membership.id === plan.id;
    if (ordinalIn(plan.servers, book.self.id) === undefined) return false;
    this.#accept(plan);
    return true;
  }

  #accept(plan: Plan): Membership {
    const { file, book } = this.#options;
    const ordinal = ordinalIn(plan.servers, book.self.id) as number;
    const membership: Membership = { ...plan, ordinal, state: 'promised', isNew: true };
    file.set(membership);
    return membership;
  }

  /** As the coordinator. */
  async #propose(plan: Membership): Promise<boolean> {
    const { book, file, gossip, logger } = this.#options;
    const others = Object.values(plan.servers).filter((id) => id !== book.self.id);
    const { state: _state, ordinal: _ordinal, isNew: _isNew, ...asked } = plan;
    const answers = await Promise.all(
      others.map((id) => {
        const entry = book.get(id);
        if (entry === undefined) return 'silent' as const;
        return gossip
          .callerTo(entry)
          .call<boolean>('promise', asked, CALL_TIMEOUT)
          .catch(() => 'silent' as const);
      }),
    );
    if (answers.every((answer) => answer === true)) {
      file.set({ ...plan, state: 'member' });
      logger.info('the cluster is founded', { servers: others.length + 1 });
      return true;
    }
    // Refused: another plan was faster. One that is silent may have promised, and is asked again.
    if (answers.includes(false)) file.set(undefined);
    return false;
  }

  /** Having promised: waits for what becomes of the plan. */
  #await(membership: Membership): boolean {
    const { file, gossip, logger } = this.#options;
    const hello = gossip.reachable().find(({ entry }) => entry.id === membership.coordinator)?.hello;
    const isFounded = gossip.reachable().some((one) => one.hello.cluster === membership.id);
    if (isFounded) {
      file.set({ ...membership, state: 'member' });
      logger.info('the cluster is founded', { servers: Object.keys(membership.servers).length });
      return true;
    }
    // What it said must be newer than the promise, and it is: it asked for it.
    if (hello !== undefined && hello.plan?.id !== membership.id) this.#doubts++;
    else this.#doubts = 0;
    if (this.#doubts > MAX_DOUBTS) {
      file.set(undefined);
      this.#doubts = 0;
    }
    return false;
  }
}
