import { useHasToken } from '../token.ts';

/** Foot of a screen: the one call that answers all that is on it; `isLive`: and it is in the event stream. */
export function Source({ path, api, isLive = false }: { path: string; api: string; isLive?: boolean }) {
  const hasToken = useHasToken();
  return (
    <p class="source">
      All of this as JSON: {hasToken ? <code>GET {path}</code> : <a href={path}>GET {path}</a>}
      {isLive && (
        <>
          {' '}
          · live:{' '}
          <code>
            curl -N {hasToken && '-H "X-Consul-Token: $CONSUL_HTTP_TOKEN" '}http://{api}/v1/muster/stream
          </code>
        </>
      )}
    </p>
  );
}
