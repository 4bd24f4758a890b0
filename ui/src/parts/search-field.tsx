/** Text to look for. */
export function SearchField({
  label,
  value,
  choose,
}: {
  label: string;
  value: string;
  choose: (text: string) => void;
}) {
  return (
    <input
      type="search"
      aria-label={label}
      placeholder={label}
      value={value}
      onInput={({ currentTarget }) => choose(currentTarget.value)}
    />
  );
}
