import type { Change } from '../../catalog/feed.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { settledView } from './members.ts';
import type { Picture } from './picture.ts';
import type { MemberView } from './wire.ts';
import type { ClusterAnswer } from './wire-answers.ts';

/** Milliseconds between two looks, at least, and for each member: thousands of them are some hundred kB from each server. */
const EVERY = 1_000;
const PER_MEMBER = 1;
/** And after somebody came, left or fell silent. */
const SOON = 200;

/** What is to be known of the cluster now. `before`: members as they were at the last look. */
export type LookAtCluster = (before: ReadonlyMap<string, MemberView>) => Promise<ClusterAnswer>;

/** Keeps what the picture shows of the cluster up to date while somebody looks at it: it takes questions to other nodes. */
export class ClusterWatch {
  readonly #picture: Picture;
  readonly #look: LookAtCluster;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #tell: () => void;
  #isOn = false;
  #isLooking = false;
  /** Something of the members changed since the last look began. */
  #isDue = false;
  #cancel: () => void = () => {};

  /** `tell` is called when there is something new in the picture. */
  constructor({
    picture,
    look,
    clock,
    logger,
    tell,
  }: { picture: Picture; look: LookAtCluster; clock: Clock; logger: Logger; tell: () => void }) {
    this.#picture = picture;
    this.#look = look;
    this.#clock = clock;
    this.#logger = logger;
    this.#tell = tell;
  }

  /** Idempotent, as is `stop`. */
  start(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    if (!this.#isLooking) void this.#lookNow();
  }

  /** What nobody looks after is not kept. */
  stop(): void {
    this.#isOn = false;
    this.#cancel();
    this.#picture.remove('cluster', 'cluster');
    for (const key of this.#picture.members.keys()) this.#picture.remove('members', key);
  }

  note(change: Change): void {
    const isOfNode =
      change.table === 'nodes' ||
      (change.table === 'checks' && (change.after ?? change.before)?.serviceId === '');
    if (!isOfNode || !this.#isOn || this.#isDue) return;
    this.#isDue = true;
    if (!this.#isLooking) this.#again(SOON);
  }

  #again(ms: number): void {
    this.#cancel();
    this.#cancel = this.#clock.after(ms, () => void this.#lookNow());
  }

  async #lookNow(): Promise<void> {
    this.#isDue = false;
    this.#isLooking = true;
    try {
      const answer = await this.#look(this.#picture.members);
      if (this.#isOn) this.#take(answer);
    } catch (error) {
      this.#logger.error('the cluster could not be looked at', { error: String(error) });
    }
    this.#isLooking = false;
    if (this.#isOn)
      this.#again(this.#isDue ? SOON : Math.max(EVERY, PER_MEMBER * this.#picture.members.size));
  }

  #take({ members, ...cluster }: ClusterAnswer): void {
    this.#picture.put('cluster', { key: 'cluster', ...cluster });
    const gone = new Set(this.#picture.members.keys());
    for (const member of members) {
      gone.delete(member.key);
      this.#picture.put('members', settledView(member));
    }
    for (const key of gone) this.#picture.remove('members', key);
    this.#tell();
  }
}
