import { useEffect, useRef, useState } from 'preact/hooks';
import { setToken, useHasToken } from '../token.ts';

/** A field for the ACL token. What is typed stays in this tab's memory and is gone with a reload. */
export function TokenForm({ done, isFocused = false }: { done?: () => void; isFocused?: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  // Once: the page is drawn again with every delta.
  useEffect(() => {
    if (isFocused) input.current?.focus();
  }, []);
  return (
    <form
      class="ask token"
      onSubmit={(event) => {
        event.preventDefault();
        const text = input.current?.value.trim() ?? '';
        if (text === '') return;
        setToken(text);
        done?.();
      }}
    >
      <input
        ref={input}
        type="password"
        aria-label="ACL token (its secret ID)"
        placeholder="ACL token (its secret ID)"
        autocomplete="off"
        spellcheck={false}
      />
      <button type="submit" class="primary small">
        Use it
      </button>
    </form>
  );
}

/** In the header: whether a token is used, with the way to another one. */
export function TokenButton() {
  const hasToken = useHasToken();
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    const onKey = ({ key }: KeyboardEvent) => {
      if (key !== 'Escape') return;
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [isOpen]);
  return (
    <div class="token-button">
      <button
        ref={button}
        type="button"
        class="quiet small"
        aria-expanded={isOpen}
        aria-controls="token-panel"
        onClick={() => setOpen(!isOpen)}
      >
        {hasToken ? 'Token in use' : 'Token'}
      </button>
      {isOpen && (
        <fieldset id="token-panel" class="token-panel panel" aria-label="ACL token">
          <TokenForm isFocused done={() => setOpen(false)} />
          <p class="faint">Kept in the memory of this tab only: a reload forgets it.</p>
          {hasToken && (
            <button
              type="button"
              class="quiet small"
              onClick={() => {
                setToken('');
                setOpen(false);
              }}
            >
              Forget it
            </button>
          )}
        </fieldset>
      )}
    </div>
  );
}
