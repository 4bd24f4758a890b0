import { useLayoutEffect, useState } from 'preact/hooks';
import { call, useAnswer } from '../api.ts';
import { Action } from '../parts/action.tsx';
import { Forget } from '../parts/forget.tsx';
import { Trouble } from '../parts/trouble.tsx';
import { textOf } from '../text-of.ts';
import { KeyHistory } from './key-history.tsx';
import { encodePath } from './keys.tsx';

interface KvEntry {
  Key: string;
  /** Base64; null: empty. */
  Value: string | null;
  Flags: number;
  Session?: string;
  LockIndex: number;
  CreateIndex: number;
  ModifyIndex: number;
}

interface Draft {
  text: string;
  /** Of the entry that is being changed; 0: there is none yet. */
  version: number;
  /** `saved`: the agent took it; it is shown until the entry that it became is here. */
  stage: 'typed' | 'sent' | 'saved';
}

/**
 * One key with its value. What is saved replaces only the version that was seen: if somebody else was faster, both are
 * shown and nothing is lost.
 */
export function KeyEditor({ name, changed }: { name: string; changed: () => void }) {
  const path = `/v1/kv/${encodePath(name)}`;
  const { value: entries, trouble, isMissing, again } = useAnswer<KvEntry[]>(path, 'keys');
  const [last, setDraft] = useState<Draft | undefined>();
  const [message, setMessage] = useState('');
  const entry = entries?.[0];
  const version = entry?.ModifyIndex ?? 0;
  const text = entry === undefined ? '' : textOf(entry.Value ?? '');
  const isBinary = text === undefined;
  // Saving what is there already makes no new version.
  const isHere = last?.version !== version || (entry !== undefined && last.text === text);
  const isOver = last?.stage === 'saved' && isHere;
  useLayoutEffect(() => {
    if (isOver) setDraft(undefined);
  }, [isOver]);
  const draft = isOver ? undefined : last;
  // What is typed or done meanwhile would be about an entry that is not there any more.
  const isHeld = draft !== undefined && draft.stage !== 'typed';
  const shown = draft?.text ?? text ?? '';
  const isConflict = draft !== undefined && !isHeld && draft.version !== version;

  const save = async (from: Draft, onto: number): Promise<void> => {
    setDraft({ ...from, stage: 'sent' });
    const answer = await call<boolean>(`${path}?cas=${onto}`, { method: 'PUT', body: from.text });
    const isTaken = answer.kind === 'value' && answer.value;
    setDraft(isTaken ? { ...from, version: onto, stage: 'saved' } : from);
    if (answer.kind === 'refused') setMessage(answer.message);
    else if (isTaken) {
      setMessage('Saved.');
      changed();
    } else setMessage('Somebody else changed it meanwhile: nothing was saved.');
    again();
  };

  return (
    <section class="panel key-editor" aria-label={`Key ${name}`}>
      <div class="head">
        <h2>
          <code>{name}</code>
        </h2>
        <p class="faint">
          {entry === undefined
            ? isMissing
              ? 'not there yet'
              : '…'
            : `version ${version}, made at ${entry.CreateIndex}`}
          {entry?.Session !== undefined && ` · locked by session ${entry.Session}`}
        </p>
      </div>
      {!isMissing && <Trouble text={trouble} />}
      {isBinary ? (
        <p>
          Its value is no text ({Math.floor(((entry?.Value?.length ?? 0) * 3) / 4)} bytes).{' '}
          <a
            href={`data:application/octet-stream;base64,${entry?.Value ?? ''}`}
            download={name.split('/').pop()}
          >
            Load it
          </a>
        </p>
      ) : (
        <textarea
          aria-label="Value"
          rows={12}
          spellcheck={false}
          readOnly={isHeld}
          value={shown}
          onInput={({ currentTarget }) => {
            setMessage('');
            setDraft({
              text: currentTarget.value,
              version: draft?.version ?? version,
              stage: 'typed',
            });
          }}
        />
      )}
      {isConflict && (
        <div class="notice" role="alert">
          <p>It is now (version {version}):</p>
          <pre>{text ?? 'no text'}</pre>
        </div>
      )}
      <div class="actions">
        {draft !== undefined && !isConflict && !isHeld && (
          <button type="button" class="primary" onClick={() => void save(draft, version)}>
            Save
          </button>
        )}
        {isConflict && (
          <button type="button" class="primary" onClick={() => void save(draft, version)}>
            Save mine over it
          </button>
        )}
        {draft !== undefined && (
          <Forget
            forget={() => {
              setDraft(undefined);
              setMessage('');
            }}
          />
        )}
        {entry !== undefined && draft === undefined && (
          <Action
            label="Delete"
            question={`Deletes ${name}.`}
            method="DELETE"
            path={`${path}?cas=${version}`}
            done={() => {
              again();
              changed();
            }}
          />
        )}
        <span role="status">{message}</span>
      </div>
      <KeyHistory
        name={name}
        version={version}
        take={
          isHeld
            ? undefined
            : (taken) => {
                setMessage('');
                setDraft({ text: taken, version, stage: 'typed' });
              }
        }
      />
    </section>
  );
}
