/** Certificates for tests, made by the real `openssl`. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Wanted {
  /** Subject alternative names: `web.test`, `*.web.test`, `127.0.0.1`. The first is the common name too. */
  readonly names: readonly string[];
  /** Days from now; negative: expired. */
  readonly days?: number;
  readonly kind?: 'ec' | 'rsa';
}

/** A certificate authority of its own. */
export class Authority {
  readonly cert: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'muster-certificates-'));
  #serial = 1;

  constructor(name = 'Test CA') {
    const subject = `/CN=${name}`;
    this.#openssl(
      ...NEW_KEY.ec,
      '-x509',
      '-days',
      '3650',
      '-subj',
      subject,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
    );
    this.cert = this.#read('ca.pem');
  }

  issue({ names, days = 30, kind = 'ec' }: Wanted): Pair {
    const serial = this.#serial++;
    const [csr, key, cert] = [`${serial}.csr`, `${serial}.key`, `${serial}.pem`];
    this.#openssl(...NEW_KEY[kind], '-subj', `/CN=${names[0]}`, '-keyout', key, '-out', csr);
    const entries = names.map((name) => `${/^[\d.]+$|:/.test(name) ? 'IP' : 'DNS'}:${name}`);
    writeFileSync(join(this.#folder, 'ext'), `subjectAltName=${entries.join(',')}\n`);
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', `${serial}`, '-extfile', 'ext'];
    this.#openssl('x509', '-req', '-in', csr, ...signed, '-days', `${days}`, '-out', cert);
    return { cert: this.#read(cert), key: this.#read(key) };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #read(name: string): string {
    return readFileSync(join(this.#folder, name), 'utf8');
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] });
  }
}

const NEW_KEY = {
  ec: ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
  rsa: ['req', '-newkey', 'rsa:2048', '-nodes'],
} as const;
