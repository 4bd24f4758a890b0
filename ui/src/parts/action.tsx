import { useState } from 'preact/hooks';
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
  const act = async (): Promise<void> => {
    setStage('busy');
    const answer: Answer<unknown> = await call(path, { method });
    setStage('idle');
    setTrouble(answer.kind === 'refused' ? answer.message : '');
    if (answer.kind === 'value') done?.();
  };
  if (stage === 'asking')
    return (
      <fieldset class="action asking" aria-label={question}>
        <span>{question}</span>
        <button
          type="button"
          class="primary small"
          onClick={() => void act()}
          ref={(button) => button?.focus()}
        >
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
