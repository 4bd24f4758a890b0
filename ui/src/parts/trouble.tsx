/** What the agent says when it cannot answer; nothing while it can. */
export function Trouble({ text }: { text: string }) {
  if (text === '') return null;
  return (
    <p class="notice" role="status">
      {text}
    </p>
  );
}
