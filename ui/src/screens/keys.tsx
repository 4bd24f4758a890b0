import { useState } from 'preact/hooks';
import type { About } from '../../../src/api/muster/wire.ts';
import { useAnswer } from '../api.ts';
import { keyExample } from '../examples.ts';
import { withQuery } from '../location.ts';
import { go } from '../navigation.ts';
import { Copyable } from '../parts/copy.tsx';
import { Source } from '../parts/source.tsx';
import { Trouble } from '../parts/trouble.tsx';
import { KeyEditor } from './key-editor.tsx';

/** What is configured? Folders and keys on one side, the one that is chosen on the other; both stand in the address. */
export function Keys({ about, query }: { about: About; query: URLSearchParams }) {
  const key = query.get('key') ?? '';
  const folder = query.get('at') ?? key.slice(0, key.lastIndexOf('/') + 1);
  const path = `/v1/kv/${encodePath(folder)}?keys&separator=/`;
  const { value: listed, trouble, isMissing, again } = useAnswer<string[]>(path, 'keys');
  const isNone = isMissing || listed?.length === 0;
  return (
    <>
      <h1>Keys</h1>
      <div class="columns keys">
        <section class="panel" aria-label="Keys">
          <Crumbs folder={folder} />
          <NewKey folder={folder} />
          {!isMissing && <Trouble text={trouble} />}
          {isNone && folder === '' && key === '' && (
            <div class="empty">
              <p>No keys yet. Make one above, or from the command line:</p>
              <Copyable text={keyExample(about)} label="the command" />
            </div>
          )}
          <ul class="tree">
            {(listed ?? [])
              .filter((name) => name !== folder)
              .map((name) => (
                <li key={name}>
                  <a
                    href={`/ui/keys${withQuery(new URLSearchParams(), name.endsWith('/') ? { at: name } : { at: folder, key: name })}`}
                    aria-current={name === key ? 'true' : undefined}
                  >
                    <code>{name.slice(folder.length)}</code>
                  </a>
                </li>
              ))}
          </ul>
        </section>
        {key === '' ? (
          <section class="panel">
            <p class="faint">Choose a key to see and change its value.</p>
          </section>
        ) : (
          <KeyEditor key={key} name={key} changed={again} />
        )}
      </div>
      <Source path={key === '' ? path : `/v1/kv/${encodePath(key)}`} api={about.api} />
    </>
  );
}

/** A key as it stands in a path: its slashes stay. */
export function encodePath(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/');
}

function Crumbs({ folder }: { folder: string }) {
  const parts = folder.split('/').filter((_, index, all) => index < all.length - 1);
  return (
    <p class="crumbs">
      <a href="/ui/keys?at=">all keys</a>
      {parts.map((part, index) => {
        const at = `${parts.slice(0, index + 1).join('/')}/`;
        return (
          <span key={at}>
            {' / '}
            <a href={`/ui/keys?at=${encodeURIComponent(at)}`}>{part}</a>
          </span>
        );
      })}
    </p>
  );
}

function NewKey({ folder }: { folder: string }) {
  const [name, setName] = useState('');
  return (
    <form
      class="ask"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() === '') return;
        go(`/ui/keys${withQuery(new URLSearchParams(), { at: folder, key: folder + name.trim() })}`);
        setName('');
      }}
    >
      <input
        type="text"
        aria-label="Name of a new key"
        placeholder={folder === '' ? 'new key, such as conf/color' : `new key in ${folder}`}
        autocomplete="off"
        spellcheck={false}
        value={name}
        onInput={({ currentTarget }) => setName(currentTarget.value)}
      />
      <button type="submit" class="quiet">
        New
      </button>
    </form>
  );
}
