import { memo } from 'preact/compat';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { formatCount, formatMany, formatRate, formatShare, shortened } from '../format.ts';
import { addressOf } from '../location.ts';
import {
  type FlowInput,
  type FlowLayout,
  layOut,
  type PlacedInstance,
  type PlacedService,
} from './flow-layout.ts';
import { StateMark } from './state.tsx';

/** Clients, balancer, services and instances as one picture: width is requests per second, colour errors. */
export function Flow({ doors, ...input }: Omit<FlowInput, 'width'> & { doors: readonly string[] }) {
  const frame = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    setWidth(Math.floor(element.getBoundingClientRect().width));
    return () => observer.disconnect();
  }, []);
  return (
    <figure class="flow" ref={frame} aria-label={inWords(input)}>
      {width > 0 && <Drawing layout={layOut({ ...input, width })} input={input} doors={doors} />}
    </figure>
  );
}

function inWords({ requests, services }: Omit<FlowInput, 'width'>): string {
  const rate = `${formatRate(requests)} requests per second`;
  return `${rate} from clients through the balancer to ${formatMany(services.length, 'service')}`;
}

function Drawing({
  layout,
  input,
  doors,
}: {
  layout: FlowLayout;
  input: Omit<FlowInput, 'width'>;
  doors: readonly string[];
}) {
  const { clients, balancer, isNarrow } = layout;
  const rate = `${formatRate(input.requests)} req/s`;
  return (
    <svg
      width={layout.width}
      height={layout.height + 16}
      viewBox={`0 -8 ${layout.width} ${layout.height + 16}`}
      role="none"
      class={isNarrow ? 'narrow' : ''}
    >
      {layout.ribbons.map(({ key, path, isIdle, errors }) => (
        <path
          key={key}
          d={path}
          class={isIdle ? 'way idle' : 'way'}
          style={isIdle ? '' : `--bad:${badness(errors)}%`}
        />
      ))}
      {clients !== undefined && (
        <g transform={`translate(${clients.x} ${clients.y})`}>
          <rect class="card" width={clients.width} height={clients.height} rx="10" />
          <text class="name" x="16" y="24">
            Clients
          </text>
          <text class="note" x="16" y="42">
            {rate}
          </text>
        </g>
      )}
      <g transform={`translate(${balancer.x} ${balancer.y})`}>
        <rect class="card strong" width={balancer.width} height={balancer.height} rx="10" />
        <text class="name" x={isNarrow ? 6 : 16} y="28">
          Balancer
        </text>
        <text class="note" x={isNarrow ? 6 : 16} y="46">
          {isNarrow ? rate : cut(doors.join(', ') || 'no listener', 20)}
        </text>
      </g>
      {layout.services.map((placed) => (
        <ServicePart key={placed.service.name} placed={placed} isNarrow={isNarrow} />
      ))}
    </svg>
  );
}

function ServicePart({ placed, isNarrow }: { placed: PlacedService; isNarrow: boolean }) {
  const { service, box, rows, cells, more } = placed;
  const count = service.total;
  const health =
    service.passing === count
      ? `${formatCount(count)} passing`
      : `${formatCount(service.passing)} of ${formatCount(count)} passing`;
  const errors = service.requests > 0 ? service.errors / service.requests : 0;
  const note = service.isRouted ? `${formatRate(service.requests)} req/s` : 'no route';
  const inset = isNarrow ? 8 : 14;
  return (
    <g>
      <a href={addressOf({ name: 'service', service: service.name })}>
        <rect class="card" x={box.x} y={box.y} width={box.width} height={box.height} rx="10" />
        <text class="name" x={box.x + inset} y={box.y + 20}>
          {cut(service.name, isNarrow ? 13 : 24)}
        </text>{' '}
        <text class="note" x={box.x + inset} y={box.y + 38}>
          {note}
          {!isNarrow && (
            <>
              {' · '}
              <tspan class={service.passing < count ? 'bad' : ''}>{health}</tspan>
            </>
          )}
        </text>{' '}
        {errors > 0 && !isNarrow && (
          <text class="note bad" x={box.x + box.width - inset} y={box.y + 20} text-anchor="end">
            {formatShare(errors)} err
          </text>
        )}
      </a>
      {rows.map((row) => (
        <InstanceRow
          key={row.key}
          row={row}
          isNarrow={isNarrow}
          right={isNarrow ? 0 : row.x + 232}
          isRouted={service.isRouted}
        />
      ))}
      {cells.map(({ key, id, state, x, y, isChanged }) => (
        <Cell key={key} {...{ id, state, x, y, isChanged }} />
      ))}
      {more.count > 0 && (
        <text class="note" x={more.x} y={more.y}>
          and {formatMany(more.count, 'more instance', 'more instances')}
        </text>
      )}
    </g>
  );
}

/** One of many: drawn again only when something of it changed. */
const Cell = memo(function Cell({ id, state, x, y, isChanged }: CellProps) {
  return (
    <g>
      <title>{`${id}: ${state}`}</title>
      {isChanged && <circle class="pulse" cx={x + 6} cy={y} r="7" />}
      <StateMark state={state} x={x + 6} y={y} />
    </g>
  );
});

type CellProps = Pick<PlacedInstance, 'id' | 'state' | 'x' | 'y' | 'isChanged'>;

function InstanceRow({
  row,
  isNarrow,
  isRouted,
  right,
}: {
  row: PlacedInstance;
  isNarrow: boolean;
  isRouted: boolean;
  right: number;
}) {
  const { id, state, x, y, requests, isChanged } = row;
  return (
    <g>
      <title>{`${id}: ${state}, ${formatRate(requests)} req/s`}</title>
      {isChanged && <circle class="pulse" cx={x + 6} cy={y} r="7" />}
      <StateMark state={state} x={x + 6} y={y} />
      <text class="instance" x={x + 20} y={y + 4}>
        {cut(shortened(id), isNarrow ? 10 : 17)}
      </text>
      {!isNarrow && (
        <text class={state === 'passing' ? 'note' : `note ${state}`} x={right} y={y + 4} text-anchor="end">
          {state !== 'passing' ? state : isRouted ? `${formatRate(requests)} req/s` : ''}
        </text>
      )}
    </g>
  );
}

/** Per cent of the error colour in a stream: the first error is seen, one in ten is all of it. */
function badness(errors: number): number {
  return errors === 0 ? 0 : Math.round(Math.min(100, 30 + errors * 700));
}

/** Cut in the middle: names of instances differ at their ends. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const tail = Math.ceil((most - 1) / 2);
  return `${text.slice(0, most - 1 - tail)}…${text.slice(-tail)}`;
}
