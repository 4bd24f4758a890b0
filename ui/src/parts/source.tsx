/** Foot of a screen: the one call that answers all that is on it. */
export function Source({ path, api }: { path: string; api: string }) {
  return (
    <p class="source">
      All of this as JSON: <a href={path}>GET {path}</a> · live:{' '}
      <code>curl -N http://{api}/v1/muster/stream</code>
    </p>
  );
}
