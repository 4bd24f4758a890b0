/** The way back from what was typed to what is kept. */
export function Forget({ forget }: { forget: () => void }) {
  return (
    <button type="button" class="quiet" onClick={forget}>
      Forget my changes
    </button>
  );
}
