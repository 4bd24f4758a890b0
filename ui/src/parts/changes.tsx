import type { ChangeKind, ChangeLine } from '../../../src/api/muster/wire.ts';
import { formatSpan, formatTime, shortened } from '../format.ts';
import { addressOf } from '../location.ts';
import { StateShape } from './state.tsx';

const SIGNS: Record<ChangeKind, string> = {
  joined: '+',
  left: '−',
  state: '•',
  route: '→',
  node: '▫',
  key: '=',
};

/** Events in words, newest first. */
export function Changes({ changes, now }: { changes: readonly ChangeLine[]; now: number }) {
  return (
    <ol class="changes">
      {changes.map((line) => (
        <li key={line.seq} title={line.text} class={now - line.at < 60_000 ? 'fresh' : ''}>
          <span class="sign" aria-hidden="true">
            {line.kind === 'state' && line.state !== null ? (
              <StateShape state={line.state} />
            ) : (
              SIGNS[line.kind]
            )}
          </span>
          <span class="text">
            <Words line={line} />
            {line.reason !== '' && (
              <span class="because" title={line.reason}>
                {line.reason}
              </span>
            )}
          </span>
          <time dateTime={new Date(line.at).toISOString()} title={formatTime(line.at)}>
            {formatSpan(now - line.at)} ago
          </time>
        </li>
      ))}
    </ol>
  );
}

/** The sentence, with the service in it as a link. */
function Words({ line: { text, service } }: { line: ChangeLine }) {
  const at =
    service === '' ? -1 : text.lastIndexOf(service, text.includes(': ') ? text.indexOf(': ') : undefined);
  if (at < 0) return <>{shortened(text)}</>;
  return (
    <>
      {shortened(text.slice(0, at))}
      <a href={addressOf({ name: 'service', service })}>{service}</a>
      {text.slice(at + service.length)}
    </>
  );
}
