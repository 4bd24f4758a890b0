import type { KeyVersion, KeyVersions } from '../../../src/api/muster/wire-history.ts';
import { useAnswer } from '../api.ts';
import { textOf } from '../text-of.ts';

/** Characters of a value that stand in a row. */
const SHOWN = 200;

/** The values that a key had. One of them can be taken into the editor, where it is saved like any other change. */
export function KeyHistory({
  name,
  version,
  take,
}: {
  name: string;
  /** Of the value that is there now. */
  version: number;
  /** Undefined: none can be taken at the moment. */
  take: ((text: string) => void) | undefined;
}) {
  const { value: told } = useAnswer<KeyVersions>(
    `/v1/muster/history/key?key=${encodeURIComponent(name)}`,
    'keys',
  );
  if (told === undefined || told.versions.length === 0) return null;
  return (
    <section class="key-history" aria-label={`History of ${name}`}>
      <h3>What it was</h3>
      <ol>
        {told.versions.map((one) => (
          <Row key={one.index} version={one} isNow={one.index === version} take={take} />
        ))}
      </ol>
    </section>
  );
}

function Row({
  version,
  isNow,
  take,
}: {
  version: KeyVersion;
  isNow: boolean;
  take: ((text: string) => void) | undefined;
}) {
  const { index, time, value } = version;
  const text = value === null ? undefined : textOf(value);
  return (
    <li class="version">
      <span class="faint" title={`version ${index}`}>
        {time === null ? 'before this agent started' : new Date(time).toLocaleString()}
      </span>
      {value === null ? (
        <em class="was">deleted</em>
      ) : (
        <code class="was">
          {text === undefined ? 'no text' : text === '' ? 'empty' : text.slice(0, SHOWN)}
        </code>
      )}
      {isNow ? (
        <span class="faint">now</span>
      ) : (
        text !== undefined &&
        take !== undefined && (
          <button type="button" class="quiet small" onClick={() => take(text)}>
            Take this
          </button>
        )
      )}
    </li>
  );
}
