/** Who we are to Google: the service account of the machine, or one whose key is in a file. */
import { createSign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fetchTrouble, fileTrouble, MusterError } from '../../errors.ts';

/** What a token has to be good for. */
const SCOPE = 'https://www.googleapis.com/auth/compute';
/** As long as Google allows; s. */
const LIFETIME = 3600;
/** A token is renewed so long before it ends; ms. */
const EARLY = 60_000;
/** For an answer; ms. */
const TIMEOUT = 10_000;
/** In every Google machine; see "Metadata server" in Compute Engine's documentation. */
const METADATA = 'http://metadata.google.internal';

export interface TokenOptions {
  /** Path of a service account's key, as GOOGLE_APPLICATION_CREDENTIALS; undefined: that of the machine. */
  readonly credentials: string | undefined;
  /** Where the metadata server is, for tests and proxies. */
  readonly metadata?: string | undefined;
  readonly now: () => number;
}

/** Answers a token that is still good for a while. Rejects with `group.failed` in words that say what to do. */
export function tokenSource({ credentials, metadata, now }: TokenOptions): () => Promise<string> {
  let token: { text: string; until: number } | undefined;
  return async () => {
    if (token !== undefined && now() < token.until - EARLY) return token.text;
    const answer =
      credentials === undefined
        ? await ofMachine(metadata ?? METADATA)
        : await ofAccount(credentials, Math.floor(now() / 1000));
    token = { text: answer.access_token, until: now() + answer.expires_in * 1000 };
    return token.text;
  };
}

interface TokenAnswer {
  readonly access_token: string;
  readonly expires_in: number;
}

function ofMachine(metadata: string): Promise<TokenAnswer> {
  return asked(
    `${metadata}/computeMetadata/v1/instance/service-accounts/default/token`,
    { headers: { 'Metadata-Flavor': 'Google' } },
    'this is no machine of Google, or it has no service account: give one whose key is in a file with `credentials` in [group.gce]',
  );
}

/** A signed statement in exchange for a token, RFC 7523. */
function ofAccount(file: string, now: number): Promise<TokenAnswer> {
  let account: { client_email?: string; private_key?: string; token_uri?: string };
  try {
    account = JSON.parse(readFileSync(file, 'utf8')) as typeof account;
  } catch (cause) {
    throw new MusterError(
      'group.failed',
      `cannot read the service account's key ${file}: ${fileTrouble(cause)}`,
      {
        cause,
      },
    );
  }
  const {
    client_email: email,
    private_key: key,
    token_uri: uri = 'https://oauth2.googleapis.com/token',
  } = account;
  if (email === undefined || key === undefined)
    throw new MusterError(
      'group.failed',
      `${file} is no key of a service account: it lacks client_email or private_key`,
    );
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: email, scope: SCOPE, aud: uri, iat: now, exp: now + LIFETIME };
  const statement = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`;
  const signature = createSign('RSA-SHA256').update(statement).sign(key, 'base64url');
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: `${statement}.${signature}`,
  });
  return asked(uri, { method: 'POST', body }, `see that the service account of ${file} still exists`);
}

async function asked(url: string, request: RequestInit, advice: string): Promise<TokenAnswer> {
  try {
    const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status} ${text.slice(0, 200)}`);
    const value = JSON.parse(text) as Partial<TokenAnswer>;
    if (typeof value.access_token !== 'string' || typeof value.expires_in !== 'number')
      throw new Error('the answer has no token');
    return value as TokenAnswer;
  } catch (cause) {
    throw new MusterError(
      'group.failed',
      `no token from ${new URL(url).host}: ${fetchTrouble(cause)}; ${advice}`,
      { cause },
    );
  }
}
