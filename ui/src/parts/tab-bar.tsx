import { useEffect, useRef, useState } from 'preact/hooks';

interface Tab {
  readonly name: string;
  readonly label: string;
  readonly href: string;
}

/** The screens in a row. Where they have no room, arrows at its ends tell that there are more, and lead there. */
export function TabBar({ tabs, current }: { tabs: readonly Tab[]; current: string }) {
  const bar = useRef<HTMLElement>(null);
  const [hidden, setHidden] = useState({ before: false, after: false });
  const look = () => {
    if (bar.current === null) return;
    const { scrollLeft, scrollWidth, clientWidth } = bar.current;
    // A pixel is lost to rounding where the page is zoomed.
    const next = { before: scrollLeft > 1, after: scrollLeft + clientWidth < scrollWidth - 1 };
    setHidden((known) => (known.before === next.before && known.after === next.after ? known : next));
  };
  // The one that is shown is in the middle, also when the room changes.
  useEffect(() => {
    const element = bar.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      const tab = element.querySelector<HTMLElement>('[aria-current]');
      const left = tab
        ? tab.offsetLeft - element.offsetLeft - (element.clientWidth - tab.offsetWidth) / 2
        : 0;
      element.scrollTo({ left, behavior: 'instant' });
      look();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [current]);
  const turn = (direction: 1 | -1) =>
    bar.current?.scrollBy({ left: direction * bar.current.clientWidth * 0.7 });
  return (
    <div class="tabs">
      {hidden.before && <Arrow label="Screens before these" side="before" turn={() => turn(-1)} />}
      <nav ref={bar} aria-label="Screens" onScroll={look}>
        {tabs.map(({ name, label, href }) => (
          <a key={name} href={href} aria-current={current === name ? 'page' : undefined}>
            {label}
          </a>
        ))}
      </nav>
      {hidden.after && <Arrow label="More screens" side="after" turn={() => turn(1)} />}
    </div>
  );
}

/** Not for the keyboard: that goes from tab to tab, and the bar follows. */
function Arrow({ label, side, turn }: { label: string; side: 'before' | 'after'; turn: () => void }) {
  return (
    <button type="button" class={`turn ${side}`} tabIndex={-1} aria-label={label} onClick={turn}>
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        <path d={side === 'before' ? 'M8 2 4 6l4 4' : 'M4 2l4 4-4 4'} />
      </svg>
    </button>
  );
}
