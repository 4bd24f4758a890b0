/** Turns what sources find into what a store holds: reads, checks, keeps what is good. */
import { X509Certificate } from 'node:crypto';
import type { Catalog } from '../../catalog/catalog.ts';
import { isMusterError, messageOf } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { ChallengeBoard } from '../acme/client.ts';
import { certificatesOf, type PemPair, readCertificate } from '../tls/certificate.ts';
import type { CertificateSpec, StoreSpec } from '../tls/spec.ts';
import { followSource, type SourceOptions } from './kinds.ts';
import type { Findings, Text } from './source.ts';

/** From so long before its end (ms) on a certificate is warned about, once a day. */
const SOON = 7 * 86_400_000;
const DAY = 86_400_000;

export interface CollectorOptions {
  readonly sources: readonly SourceOptions[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly catalog?: Catalog | undefined;
  readonly challenges?: ChallengeBoard | undefined;
  /** What the store holds from now on. Called when all sources have answered or failed for the first time, then on every change. */
  readonly publish: (store: StoreSpec) => void;
}

/** What came of one place. */
interface Read {
  readonly pair: PemPair;
  /** The last good one: a file that is just being written must not take its certificate away. */
  readonly good: CertificateSpec | undefined;
  readonly problem: string | undefined;
}

/** A source and what is known from it. */
interface Followed {
  stop(): void;
  /** By place. */
  reads: ReadonlyMap<string, Read>;
  clientCa: readonly string[];
  /** What is wrong with entries, and with the source itself. */
  problems: readonly string[];
  trouble: string | undefined;
  /** It has answered or failed. */
  isKnown: boolean;
}

export class Collector {
  readonly #options: CollectorOptions;
  readonly #followed: readonly Followed[];
  #published: StoreSpec | undefined;
  #cancel = () => {};

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#followed = options.sources.map(() => ({
      stop() {},
      reads: new Map(),
      clientCa: [],
      problems: [],
      trouble: undefined,
      isKnown: false,
    }));
    const { clock, catalog, challenges } = options;
    for (const [i, source] of options.sources.entries()) {
      const followed = this.#followed[i]!;
      followed.stop = followSource(source, {
        clock,
        catalog,
        challenges,
        found: (findings) => this.#found(followed, findings),
        trouble: (why) => this.#trouble(followed, why),
      });
    }
  }

  /** What is wrong at the moment, each with its place. */
  get problems(): string[] {
    return this.#followed.flatMap(({ problems, trouble }) =>
      trouble === undefined ? problems : [trouble, ...problems],
    );
  }

  stop(): void {
    this.#cancel();
    for (const { stop } of this.#followed) stop();
  }

  #found(followed: Followed, { certificates, clientCa = [], strays = [] }: Findings): void {
    const { log } = this.#options;
    if (followed.trouble !== undefined)
      log.info('certificates can be read again', { before: followed.trouble });
    followed.trouble = undefined;
    followed.isKnown = true;
    const reads = new Map<string, Read>();
    for (const pair of certificates) {
      const before = followed.reads.get(pair.place);
      reads.set(
        pair.place,
        before !== undefined && isSame(before.pair, pair) ? before : read(pair, before?.good),
      );
    }
    followed.reads = reads;
    const authorities = readAuthorities(clientCa);
    followed.clientCa = authorities.good;
    const problems = [
      ...[...reads.values()].flatMap(({ problem }) => problem ?? []),
      ...authorities.problems,
      ...strays,
    ];
    for (const problem of problems)
      if (!followed.problems.includes(problem)) log.warn('certificate left out', { why: problem });
    followed.problems = problems;
    this.#publish();
  }

  #trouble(followed: Followed, why: string): void {
    if (followed.trouble !== why)
      this.#options.log.warn('certificates cannot be read; those of before stay in use', { why });
    followed.trouble = why;
    followed.isKnown = true;
    this.#publish();
  }

  #publish(): void {
    if (!this.#followed.every(({ isKnown }) => isKnown)) return;
    const store: StoreSpec = {
      certificates: this.#followed.flatMap(({ reads }) =>
        [...reads.values()].flatMap(({ good }) => good ?? []),
      ),
      clientCa: [...new Set(this.#followed.flatMap(({ clientCa }) => clientCa))],
    };
    const old = this.#published;
    if (old !== undefined && isSameStore(old, store)) return;
    this.#published = store;
    const names = new Set(store.certificates.flatMap(({ names }) => names));
    this.#options.log.info('certificates', { count: store.certificates.length, names: [...names].join(' ') });
    this.#options.publish(store);
    this.#warnOfAge();
  }

  /** Says what has expired or soon will, now and once a day. */
  #warnOfAge(): void {
    const { clock, log } = this.#options;
    this.#cancel();
    this.#cancel = clock.after(DAY, () => this.#warnOfAge());
    const now = clock.now();
    for (const { place, notAfter } of this.#published?.certificates ?? []) {
      if (notAfter > now + SOON) continue;
      const at = new Date(notAfter).toISOString();
      log.warn(notAfter < now ? 'a certificate has expired' : 'a certificate expires soon', { place, at });
    }
  }
}

function isSame(a: PemPair, b: PemPair): boolean {
  return (
    a.cert === b.cert && a.key === b.key && a.passphrase === b.passphrase && isSameStaple(a.staple, b.staple)
  );
}

function isSameStaple(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && Buffer.compare(a, b) === 0);
}

function isSameStore(a: StoreSpec, b: StoreSpec): boolean {
  const print = ({ certificates, clientCa }: StoreSpec) =>
    JSON.stringify([certificates.map(({ fingerprint }) => fingerprint), clientCa]);
  return print(a) === print(b);
}

function read(pair: PemPair, good: CertificateSpec | undefined): Read {
  try {
    return { pair, good: readCertificate(pair), problem: undefined };
  } catch (error) {
    if (!isMusterError(error, 'tls.certificate')) throw error;
    return {
      pair,
      good,
      problem: good === undefined ? error.message : `${error.message}; the one of before stays in use`,
    };
  }
}

/** Every certificate of every text that can be read, each as PEM. */
function readAuthorities(texts: readonly Text[]): { good: string[]; problems: string[] } {
  const good: string[] = [];
  const problems: string[] = [];
  for (const { place, text } of texts) {
    const certificates = certificatesOf(text);
    if (certificates.length === 0) problems.push(`${place}: no certificate in it`);
    for (const pem of certificates) {
      try {
        good.push(new X509Certificate(pem).toString());
      } catch (error) {
        problems.push(`${place}: a certificate in it cannot be read: ${messageOf(error)}`);
      }
    }
  }
  return { good, problems };
}
