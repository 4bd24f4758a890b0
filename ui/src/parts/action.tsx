import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type Answer, call } from '../api.ts';

interface ActionProps {
  /** What the button says: "Drain". */
  label: string;
  /** What it will do, and to how many: asked before it does. Without it, it can be undone and is not asked. */
  question?: string;
  path: string;
  method?: 'PUT' | 'DELETE';
  /** Called once it is done. */
  done?: () => void;
  disabled?: boolean;
}

/** A button that does something to the system: asks once, says what went wrong. */
export function Action({ label, question, path, method = 'PUT', done, disabled = false }: ActionProps) {
  const [stage, setStage] = useState<'idle' | 'asking' | 'busy'>('idle');
  const [trouble, setTrouble] = useState('');
  // Whoever answers by the keyboard goes on from where the question came up.
  const button = useRef<HTMLButtonElement>(null);
  const wasAsked = useRef(false);
  useLayoutEffect(() => {
    if (stage === 'asking') wasAsked.current = true;
    else if (stage === 'idle' && wasAsked.current) {
      wasAsked.current = false;
      if (document.activeElement === document.body) button.current?.focus({ preventScroll: true });
    }
  }, [stage]);
  const act = async (): Promise<void> => {
    setStage('busy');
    const answer: Answer<unknown> = await call(path, { method });
    setStage('idle');
    // False: it was only to be done to what was shown, and that is not what is there.
    const isDone = answer.kind === 'value' && answer.value !== false;
    setTrouble(
      answer.kind === 'refused' ? answer.message : isDone ? '' : 'Changed meanwhile: nothing was done.',
    );
    if (isDone) done?.();
  };
  if (stage === 'asking')
    return (
      <fieldset
        class="action asking"
        aria-label={question}
        onKeyDown={({ key }) => {
          if (key === 'Escape') setStage('idle');
        }}
      >
        <span>{question}</span>
        <button type="button" class="primary small" onClick={() => void act()} ref={focus}>
          {label}
        </button>
        <button type="button" class="quiet small" onClick={() => setStage('idle')}>
          Leave it
        </button>
      </fieldset>
    );
  return (
    <span class="action">
      <button
        ref={button}
        type="button"
        class="quiet small"
        disabled={disabled || stage === 'busy'}
        onClick={() => (question === undefined ? void act() : setStage('asking'))}
      >
        {stage === 'busy' ? `${label}…` : label}
      </button>
      {trouble !== '' && (
        <span class="critical" role="alert">
          {trouble}
        </span>
      )}
    </span>
  );
}

/** The same function each time, so that it is called once, and not again whenever the screen is drawn. */
function focus(button: HTMLButtonElement | null): void {
  button?.focus();
}
