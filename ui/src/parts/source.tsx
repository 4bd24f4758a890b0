import { useHasToken } from '../token.ts';

/** Foot of a screen: the one call that answers all that is on it. */
export function Source({ path, api }: { path: string; api: string }) {
  const hasToken = useHasToken();
  return (
    <p class="source">
      All of this as JSON: {hasToken ? <code>GET {path}</code> : <a href={path}>GET {path}</a>} · live:{' '}
      <code>
        curl -N {hasToken && '-H "X-Consul-Token: $CONSUL_HTTP_TOKEN" '}http://{api}/v1/muster/stream
      </code>
    </p>
  );
}
