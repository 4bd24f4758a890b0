import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../errors.ts';
import { type BackoffPolicy, backoffDelay } from '../../lib/backoff.ts';
import { writeWhole } from '../../lib/write-whole.ts';
import { AcmeClient, type ChallengeType } from '../acme/client.ts';
import { certificateRequest, keyPem, newKey } from '../acme/signed.ts';
import { readCertificate } from '../tls/certificate.ts';
import type { CertificateSpec } from '../tls/spec.ts';
import type { SourceKind } from './source.ts';

export interface AcmeSourceOptions {
  /** Folder where the account's key and the certificate are kept. */
  readonly cert: string;
  /** What the certificate is for; no wildcards, which would need DNS. */
  readonly names: readonly string[];
  /** URL of the authority's directory. */
  readonly directory: string;
  /** Addresses to which the authority may write. */
  readonly contacts: readonly string[];
  /** How the names are proven, best first. */
  readonly challenges: readonly ChallengeType[];
  /** PEM file: who issued the authority's own HTTPS certificate; undefined: one that everybody knows. */
  readonly authorityCa?: string | undefined;
}

/** What a certificate can be asked for: a DNS name of at least two labels, without a wildcard, which neither challenge proves. */
export const CERTIFIED_NAME = /^(?!-)[a-z0-9-]+(\.[a-z0-9-]+)+$/i;

export const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';

/** Authorities count failures: the first pause is for what passes by itself, the last for what needs somebody. */
const RETRY: BackoffPolicy = { base: 60_000, max: 6 * 3_600_000 };
/** The share of a certificate's life after which it is renewed: two of three months, as authorities advise. */
const RENEW_AT = 2 / 3;
/** How often (ms) is looked at least, since clocks jump and machines sleep. */
const LOOK = 6 * 3_600_000;
/** How long (ms) an authority is left alone after an order, though by this clock what it gave is due already. */
const PAUSE = 3_600_000;

/** When a certificate is renewed (ms since the epoch). */
export function renewalOf({ notBefore, notAfter }: Pick<CertificateSpec, 'notBefore' | 'notAfter'>): number {
  return notBefore + (notAfter - notBefore) * RENEW_AT;
}

class Folder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Undefined when there is none. */
  async read(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.#path, name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  write(name: string, text: string): void {
    writeWhole(join(this.#path, name), text);
  }
}

export const acme: SourceKind<AcmeSourceOptions> = {
  about: 'A certificate from an ACME authority such as Let’s Encrypt, ordered and renewed by itself.',
  follow(options, context) {
    const { clock, random = Math.random, challenges, found, trouble } = context;
    const folder = new Folder(options.cert);
    const file = `${options.names[0]}.pem`;
    const stopped = new AbortController();
    let cancel = () => {};
    let failures = 0;
    let client: AcmeClient | undefined;

    const clientOf = async (): Promise<AcmeClient> => {
      const kept = await folder.read('account.pem');
      let accountKey: KeyObject;
      if (kept === undefined) {
        accountKey = newKey();
        folder.write('account.pem', keyPem(accountKey));
      } else accountKey = createPrivateKey(kept);
      const { directory, contacts, authorityCa } = options;
      const ca = authorityCa === undefined ? undefined : await readFile(authorityCa, 'utf8');
      return new AcmeClient({ directory, contacts, accountKey, clock, ca });
    };

    /** What is kept, if it is for these names. */
    const kept = async (): Promise<CertificateSpec | undefined> => {
      const text = await folder.read(file);
      if (text === undefined) return undefined;
      const certificate = readCertificate({ place: join(options.cert, file), cert: text });
      return options.names.every((name) => certificate.names.includes(name.toLowerCase()))
        ? certificate
        : undefined;
    };

    const show = (certificate: CertificateSpec): void =>
      found({ certificates: [{ place: certificate.place, cert: certificate.chain, key: certificate.key }] });

    const order = async (): Promise<CertificateSpec> => {
      if (challenges === undefined) throw new Error('there is no listener that could answer a challenge');
      client ??= await clientOf();
      const key = newKey();
      const chain = await client.order(
        options.names,
        certificateRequest(options.names, key),
        options.challenges,
        challenges,
        stopped.signal,
      );
      const text = chain + keyPem(key);
      const certificate = readCertificate({ place: join(options.cert, file), cert: text });
      folder.write(file, text);
      return certificate;
    };

    const look = async (): Promise<void> => {
      let next = LOOK;
      let pause = 0;
      try {
        let certificate = await kept();
        if (certificate === undefined) found({ certificates: [] });
        else show(certificate);
        if (certificate === undefined || renewalOf(certificate) <= clock.now()) {
          certificate = await order();
          pause = PAUSE;
          show(certificate);
        }
        failures = 0;
        next = Math.min(LOOK, Math.max(pause, renewalOf(certificate) - clock.now()));
      } catch (error) {
        if (stopped.signal.aborted) return;
        client = undefined;
        next = backoffDelay(RETRY, failures++, random());
        trouble(
          `no certificate for ${options.names.join(', ')} from ${new URL(options.directory).host}: ${messageOf(error)}`,
        );
      }
      if (!stopped.signal.aborted) cancel = clock.after(next, () => void look());
    };
    void look();
    return () => {
      stopped.abort();
      cancel();
    };
  },
};
