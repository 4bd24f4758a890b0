import { useEffect, useState } from 'preact/hooks';

/** A command or an address, ready to be copied. */
export function Copyable({ text, label }: { text: string; label: string }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), 1600);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = () => {
    // Over plain HTTP from another machine there is no clipboard: the text is selectable all the same.
    navigator.clipboard?.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <div class="copyable">
      <pre>
        <code>{text}</code>
      </pre>
      {navigator.clipboard !== undefined && (
        <button type="button" class="quiet" onClick={copy} aria-label={`Copy ${label}`}>
          {isCopied ? 'Copied' : 'Copy'}
        </button>
      )}
    </div>
  );
}
