import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

const CHUNK = 40;

/** Rows are drawn this far outside of the window, so that scrolling meets no gap. */
const AHEAD = '800px';

/**
 * Bodies of a table that draw their rows only near the window. Thousands of rows cost as much as those that are
 * seen. `height` is what a row is believed to take before it was drawn once, in px.
 */
export function Chunks<Item>({
  items,
  height,
  columns,
  row,
}: {
  items: readonly Item[];
  height: number;
  columns: number;
  row: (item: Item) => ComponentChildren;
}) {
  const chunks: ComponentChildren[] = [];
  for (let from = 0; from < items.length; from += CHUNK) {
    chunks.push(
      <Chunk
        key={from}
        items={items.slice(from, from + CHUNK)}
        isFirst={from === 0}
        {...{ height, columns, row }}
      />,
    );
  }
  return <>{chunks}</>;
}

function Chunk<Item>({
  items,
  height,
  columns,
  row,
  isFirst,
}: {
  items: readonly Item[];
  height: number;
  columns: number;
  row: (item: Item) => ComponentChildren;
  isFirst: boolean;
}) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [isNear, setNear] = useState(isFirst);
  const measured = useRef(0);
  const isDrawn = useRef(isNear);
  isDrawn.current = isNear;
  useLayoutEffect(() => {
    const element = body.current;
    if (element === null) return;
    const observer = new IntersectionObserver(
      (entries) => {
        // A busy page hears of several at once: only the last still holds.
        const entry = entries.at(-1);
        if (entry === undefined) return;
        // Only rows tell how high rows are; the gap that stands for them does not.
        if (!entry.isIntersecting && isDrawn.current && element.childElementCount > 0)
          measured.current = entry.boundingClientRect.height / element.childElementCount;
        setNear(entry.isIntersecting);
      },
      { rootMargin: `${AHEAD} 0px` },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  if (isNear) return <tbody ref={body}>{items.map(row)}</tbody>;
  const each = measured.current > 8 ? measured.current : height;
  return (
    <tbody ref={body} aria-hidden="true">
      <tr class="gap">
        <td colSpan={columns} style={`height:${Math.round(each * items.length)}px`} />
      </tr>
    </tbody>
  );
}
