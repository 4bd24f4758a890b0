import { readCertificate } from '../tls/certificate.ts';
import type { CertificateSpec, ChallengeAnswers } from '../tls/spec.ts';
import type { Challenge, ChallengeBoard } from './client.ts';
import { challengeCertificate } from './signed.ts';

/** Collects what is shown to authorities and hands it to the workers, whole. */
export class Board implements ChallengeBoard {
  readonly #publish: (answers: ChallengeAnswers) => Promise<void>;
  readonly #now: () => number;
  readonly #http = new Map<string, string>();
  readonly #certificates = new Map<string, CertificateSpec>();

  /** `publish` resolves when everybody shows it. `now`: ms since the epoch. */
  constructor(publish: (answers: ChallengeAnswers) => Promise<void>, now: () => number) {
    this.#publish = publish;
    this.#now = now;
  }

  show({ type, name, token, keyAuthorization }: Challenge): Promise<void> {
    if (type === 'http-01') this.#http.set(token, keyAuthorization);
    else {
      const pair = challengeCertificate(name, keyAuthorization, this.#now());
      this.#certificates.set(token, readCertificate({ place: `challenge for ${name}`, ...pair }));
    }
    return this.#tell();
  }

  hide({ token }: Challenge): void {
    this.#http.delete(token);
    this.#certificates.delete(token);
    void this.#tell();
  }

  #tell(): Promise<void> {
    return this.#publish({ http: new Map(this.#http), certificates: [...this.#certificates.values()] });
  }
}
