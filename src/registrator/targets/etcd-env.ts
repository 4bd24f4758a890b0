import { MusterError } from '../../errors.ts';
import { contentIfNamed } from '../../lib/content-of.ts';
import type { EtcdOptions } from '../../store/etcd/client.ts';

type Env = Readonly<Record<string, string | undefined>>;

const DEFAULT_PORT = 2379;
const HERE = '127.0.0.1';

/**
 * Where etcd is, and how it is spoken to: `host` is "", or "host[:port]" once or more often with commas; more of them in
 * `ETCD_ENDPOINTS`; TLS with `ETCD_CA_CERT_FILE`, `ETCD_CERT_FILE`, `ETCD_KEY_FILE`; `ETCD_USER` is "name:password". Throws
 * `config.*`.
 */
export function etcdOptionsFromEnv(host: string, env: Env): EtcdOptions {
  const { ETCD_CA_CERT_FILE, ETCD_CERT_FILE, ETCD_KEY_FILE } = env;
  if (Boolean(ETCD_CERT_FILE) !== Boolean(ETCD_KEY_FILE))
    throw new MusterError('config.invalid', 'ETCD_CERT_FILE and ETCD_KEY_FILE go together: set both or none');
  const isSecure = Boolean(ETCD_CA_CERT_FILE || ETCD_CERT_FILE);
  const places = `${host},${env.ETCD_ENDPOINTS ?? ''}`.split(',').flatMap((place) => place.trim() || []);
  return {
    endpoints: (places.length === 0 ? [HERE] : places).map((place) => endpointOf(place, isSecure)),
    tls: {
      ca: contentIfNamed(ETCD_CA_CERT_FILE),
      cert: contentIfNamed(ETCD_CERT_FILE),
      key: contentIfNamed(ETCD_KEY_FILE),
    },
    user: userOf(env.ETCD_USER),
  };
}

function endpointOf(place: string, isSecure: boolean): string {
  const [, scheme = isSecure ? 'https' : 'http', rest = place] = /^(https?):\/\/(.*?)\/?$/.exec(place) ?? [];
  return `${scheme}://${rest}${/:\d+$/.test(rest) ? '' : `:${DEFAULT_PORT}`}`;
}

function userOf(text: string | undefined): EtcdOptions['user'] {
  if (!text) return undefined;
  const at = text.indexOf(':');
  if (at <= 0) throw new MusterError('config.invalid', 'ETCD_USER is no user: write name:password');
  return { name: text.slice(0, at), password: text.slice(at + 1) };
}
