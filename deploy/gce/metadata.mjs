// What a machine of Google Compute Engine knows of itself. See "Metadata server" in Compute Engine's documentation.
const METADATA = process.env.MUSTER_METADATA ?? 'http://metadata.google.internal';

/** The text under a path of the metadata; undefined when there is none. */
export async function metadata(path) {
  const answer = await fetch(`${METADATA}/computeMetadata/v1/${path}`, {
    headers: { 'Metadata-Flavor': 'Google' },
    signal: AbortSignal.timeout(10_000),
  });
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`the metadata server answered ${answer.status} for ${path}`);
  return (await answer.text()).trim();
}
