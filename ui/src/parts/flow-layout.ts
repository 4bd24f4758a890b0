import type { State } from '../../../src/api/muster/wire.ts';

/**
 * Where everything in the picture "clients → balancer → services → instances" stands. Pure arithmetic in CSS
 * pixels; `flow.tsx` draws it.
 */

export interface FlowInstance {
  readonly key: string;
  readonly id: string;
  readonly state: State;
  readonly requests: number;
  readonly errors: number;
  readonly isChanged: boolean;
}

export interface FlowService {
  readonly name: string;
  readonly requests: number;
  readonly errors: number;
  /** Whether a route leads to it. */
  readonly isRouted: boolean;
  readonly passing: number;
  /** How many instances it has. */
  readonly total: number;
  /** Those to be shown: all, or at most `MOST_CELLS`, worst first. */
  readonly instances: readonly FlowInstance[];
}

export interface FlowInput {
  readonly width: number;
  readonly requests: number;
  readonly errors: number;
  /** Most requests per second of the last minutes: the width of a full stream. */
  readonly peak: number;
  readonly services: readonly FlowService[];
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Ribbon {
  readonly key: string;
  readonly path: string;
  /** A thin dashed line: the way is there, nothing goes along it. */
  readonly isIdle: boolean;
  /** Share of errors, 0 to 1. */
  readonly errors: number;
}

export interface PlacedInstance extends FlowInstance {
  readonly x: number;
  readonly y: number;
}

export interface PlacedService {
  readonly service: FlowService;
  readonly box: Box;
  /** One row each, with its name. */
  readonly rows: readonly PlacedInstance[];
  /** One sign each, when there are too many for rows. */
  readonly cells: readonly PlacedInstance[];
  /** Instances that have no sign of their own, and where the text for them stands. */
  readonly more: { readonly count: number; readonly x: number; readonly y: number };
}

export interface FlowLayout {
  readonly width: number;
  readonly height: number;
  readonly isNarrow: boolean;
  /** Undefined where there is no room for it. */
  readonly clients: Box | undefined;
  readonly balancer: Box;
  readonly services: readonly PlacedService[];
  readonly ribbons: readonly Ribbon[];
}

const NARROW = 640;
/** Thickness of the whole stream at its peak. */
const FULL = 40;
/** What flows at all is seen. */
const THINNEST = 2;
const ROW = 24;
const CELL = 16;
/** A service with more instances than this shows signs instead of rows. */
export const MOST_ROWS = 10;
/** Signs that are drawn; beyond it a number says how many more there are. */
export const MOST_CELLS = 240;
/** Lines of them: on a phone the picture is not to be all there is of the page. */
const MOST_LINES = 18;
const CARD = 48;
const GAP = 20;

export function layOut({ width, requests, errors, peak, services }: FlowInput): FlowLayout {
  const isNarrow = width < NARROW;
  const columns = columnsOf(width, isNarrow);
  const scale = FULL / Math.max(peak, requests, 1e-9);
  const thick = (rate: number) => (rate > 0 ? Math.max(THINNEST, rate * scale) : 0);

  const placed: PlacedService[] = [];
  let y = 0;
  for (const service of services) {
    const block = placeInstances(service, columns.instances, y);
    placed.push({
      service,
      box: { ...columns.services, y: y + (block.height - CARD) / 2, height: CARD },
      rows: block.rows,
      cells: block.cells,
      more: block.more,
    });
    y += block.height + GAP;
  }
  const height = Math.max(y - GAP, CARD + 16);
  const middle = height / 2;
  const balancer = { ...columns.balancer, y: middle - 32, height: 64 };
  const clients = columns.clients && { ...columns.clients, y: middle - 28, height: 56 };

  const ribbons: Ribbon[] = [];
  if (clients !== undefined) {
    const from = clients.x + clients.width;
    ribbons.push(
      ribbon('clients', from, middle, balancer.x, middle, thick(requests), share(errors, requests)),
    );
  }
  ribbons.push(
    ...serviceRibbons(balancer, placed, thick),
    ...placed.flatMap((one) => instanceRibbons(one, thick)),
  );
  return { width, height, isNarrow, clients, balancer, services: placed, ribbons };
}

function columnsOf(width: number, isNarrow: boolean) {
  if (isNarrow) {
    const unit = width / 100;
    return {
      clients: undefined,
      balancer: { x: 0, width: 23 * unit },
      services: { x: 32 * unit, width: 33 * unit },
      instances: { x: 73 * unit, width: 27 * unit },
    };
  }
  const room = width - 120 - 152 - 208 - 232;
  const gap = room / 3;
  return {
    clients: { x: 0, width: 120 },
    balancer: { x: 120 + gap, width: 152 },
    services: { x: 272 + 2 * gap, width: 208 },
    instances: { x: 480 + 3 * gap, width: 232 },
  };
}

function placeInstances(
  { instances, total }: FlowService,
  column: { x: number; width: number },
  top: number,
) {
  const none = { count: 0, x: 0, y: 0 };
  if (total <= MOST_ROWS) {
    const height = Math.max(instances.length * ROW, CARD);
    const first = top + (height - instances.length * ROW) / 2 + ROW / 2;
    const rows = instances.map((instance, index) => ({ ...instance, x: column.x, y: first + index * ROW }));
    return { height, rows, cells: [], more: none };
  }
  const across = Math.max(1, Math.floor(column.width / CELL));
  const shown = thinned(instances, Math.min(MOST_CELLS, across * MOST_LINES));
  const lines = Math.ceil(shown.length / across);
  const more = total - shown.length;
  const content = lines * CELL + (more > 0 ? 20 : 0);
  const height = Math.max(content, CARD);
  const first = top + (height - content) / 2;
  const cells = shown.map((instance, index) => ({
    ...instance,
    x: column.x + (index % across) * CELL,
    y: first + Math.floor(index / across) * CELL + CELL / 2,
  }));
  return { height, rows: [], cells, more: { count: more, x: column.x, y: first + lines * CELL + 14 } };
}

/** At most `most` of those, which stand by their states: each state keeps its share, and what is rare is still seen. */
function thinned(instances: readonly FlowInstance[], most: number): readonly FlowInstance[] {
  if (instances.length <= most) return instances;
  const step = instances.length / most;
  let due = 0;
  return instances
    .filter(({ state }, index) => {
      const isTaken = index >= due || state !== instances[index - 1]?.state;
      if (isTaken) due += step;
      return isTaken;
    })
    .slice(0, most);
}

function serviceRibbons(
  balancer: Box,
  placed: readonly PlacedService[],
  thick: (rate: number) => number,
): Ribbon[] {
  const routed = placed.filter(({ service }) => service.isRouted);
  const starts = stack(
    routed.map(({ service }) => thick(service.requests)),
    balancer,
  );
  return routed.map(({ service, box }, index) =>
    ribbon(
      `service ${service.name}`,
      balancer.x + balancer.width,
      starts[index] ?? 0,
      box.x,
      box.y + box.height / 2,
      thick(service.requests),
      share(service.errors, service.requests),
    ),
  );
}

function instanceRibbons(
  { service, box, rows, cells }: PlacedService,
  thick: (rate: number) => number,
): Ribbon[] {
  const from = box.x + box.width;
  const first = cells[0];
  if (first !== undefined) {
    // Too many for one each: the stream ends at the group.
    const to = box.y + box.height / 2;
    const errors = share(service.errors, service.requests);
    return [ribbon(`cells ${service.name}`, from, to, first.x - 8, to, thick(service.requests), errors)];
  }
  const starts = stack(
    rows.map(({ requests }) => thick(requests)),
    box,
  );
  return rows.map(({ key, x, y, requests, errors }, index) =>
    ribbon(`instance ${key}`, from, starts[index] ?? 0, x - 6, y, thick(requests), share(errors, requests)),
  );
}

/** Middles of streams of these thicknesses, one below the other, around the middle of a box. */
function stack(widths: readonly number[], { y, height }: Box): number[] {
  // Idle ways take no room in the stream but are kept a little apart.
  const rooms = widths.map((width) => Math.max(width, 2));
  let at = y + height / 2 - rooms.reduce((sum, room) => sum + room, 0) / 2;
  return rooms.map((room) => {
    at += room;
    return at - room / 2;
  });
}

function ribbon(
  key: string,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  width: number,
  errors: number,
): Ribbon {
  const bend = (x0 + x1) / 2;
  const [a, b, c] = [fix(x0), fix(bend), fix(x1)];
  if (width === 0)
    return {
      key,
      path: `M${a} ${fix(y0)}C${b} ${fix(y0)} ${b} ${fix(y1)} ${c} ${fix(y1)}`,
      isIdle: true,
      errors,
    };
  const half = width / 2;
  const path =
    `M${a} ${fix(y0 - half)}C${b} ${fix(y0 - half)} ${b} ${fix(y1 - half)} ${c} ${fix(y1 - half)}` +
    `V${fix(y1 + half)}C${b} ${fix(y1 + half)} ${b} ${fix(y0 + half)} ${a} ${fix(y0 + half)}Z`;
  return { key, path, isIdle: false, errors };
}

function share(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, part / whole) : 0;
}

function fix(value: number): number {
  return Math.round(value * 10) / 10;
}
