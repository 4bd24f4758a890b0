import { ASKED, type DnsRecord, recordBytes } from './record.ts';
import { RCODE, TYPE } from './wire/numbers.ts';

/** One record of the answer section and what belongs to it in the additional section. */
export interface AnswerPart {
  record: DnsRecord;
  /** The name in `record` that extras may point back to: an SRV's target. */
  target?: Uint8Array;
  extras?: readonly DnsRecord[];
}

/** What to answer, before it is laid out. */
export interface Plan {
  rcode?: number;
  authoritative?: boolean;
  parts?: readonly AnswerPart[];
  authority?: readonly DnsRecord[];
  /** Additional records that belong to the answer as a whole. */
  additional?: readonly DnsRecord[];
  /**
   * "instances": in random order, as many as the limits allow. "all": as they are; where they do not fit, TC
   * says so.
   */
  choice?: 'instances' | 'all';
  /** Addresses of instances, to which `aRecordLimit` applies. */
  addresses?: boolean;
}

/**
 * An answer in bytes, laid out once per change of the catalog and copied once per question. It holds no name
 * of the question (records point to it) and no order, so that it serves every asker.
 */
export interface Prepared {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly choosing: boolean;
  readonly addresses: boolean;
  readonly count: number;
  /** Records of the answer section one after another; record i is from `starts[i]` to `starts[i + 1]`. */
  readonly bytes: Buffer;
  readonly starts: Uint32Array;
  /** Size of each without compression; where `asked` is 1 the question's name comes on top. */
  readonly plain: Uint32Array;
  readonly asked: Uint8Array;
  /** Where an SRV's target stands in its record; 0 for none. */
  readonly targetAt: Uint16Array;
  /** Records with the same number have the same extras: these are written once. */
  readonly target: Uint32Array;
  /** Extras of record i are numbers `extraOf[i]` to `extraOf[i + 1]`. */
  readonly extraOf: Uint32Array;
  readonly extraBytes: Buffer;
  readonly extraStarts: Uint32Array;
  /** Bytes of an extra's owner if that is the target of its record, else 0. */
  readonly extraOwner: Uint16Array;
  readonly authority: Buffer;
  readonly authorityCount: number;
  readonly additional: Buffer;
  readonly additionalCount: number;
  /** Where the zone's serial number stands in `authority` and in `bytes`; -1 for nowhere. */
  readonly serialInAuthority: number;
  readonly serialInBytes: number;
  /** A permutation of the records; choosing goes on from where the last question left it. */
  readonly order: Uint32Array;
  /** Question in which a target was last written; `questions` counts them. */
  readonly written: Uint32Array;
  questions: number;
}

export function prepare(plan: Plan): Prepared {
  const parts = plan.parts ?? [];
  const records = parts.map(({ record }) => recordBytes(record));
  const extras = parts.map(({ extras: own }) => own ?? []);
  const flat = extras.flat();
  const extraRecords = flat.map(recordBytes);
  const targets = new Map<string, number>();
  const target = parts.map((part, i) => {
    // Without a target nothing is shared: each record is a target of its own.
    const key = part.target === undefined ? `#${i}` : Buffer.from(part.target).toString('latin1');
    const known = targets.get(key) ?? targets.size;
    targets.set(key, known);
    return known;
  });
  return {
    rcode: plan.rcode ?? RCODE.NOERROR,
    authoritative: plan.authoritative ?? true,
    choosing: plan.choice === 'instances',
    addresses: plan.addresses ?? false,
    count: parts.length,
    bytes: Buffer.concat(records),
    starts: startsOf(records.map(({ length }) => length)),
    plain: Uint32Array.from(parts, ({ record: { owner } }, i) => {
      const { length } = records[i] as Buffer;
      return owner === ASKED ? length - 2 : length;
    }),
    asked: Uint8Array.from(parts, ({ record: { owner } }) => (owner === ASKED ? 1 : 0)),
    targetAt: Uint16Array.from(parts, (part, i) =>
      part.target === undefined ? 0 : (records[i] as Buffer).length - part.target.length,
    ),
    target: Uint32Array.from(target),
    extraOf: startsOf(extras.map(({ length }) => length)),
    extraBytes: Buffer.concat(extraRecords),
    extraStarts: startsOf(extraRecords.map(({ length }) => length)),
    extraOwner: Uint16Array.from(
      parts.flatMap((part, i) =>
        (extras[i] as readonly DnsRecord[]).map(({ owner }) =>
          isTarget(owner, part.target) ? owner.length : 0,
        ),
      ),
    ),
    authority: Buffer.concat((plan.authority ?? []).map(recordBytes)),
    authorityCount: plan.authority?.length ?? 0,
    additional: Buffer.concat((plan.additional ?? []).map(recordBytes)),
    additionalCount: plan.additional?.length ?? 0,
    serialInAuthority: serialOf(plan.authority ?? []),
    serialInBytes: serialOf(parts.map(({ record }) => record)),
    order: Uint32Array.from(parts, (_, i) => i),
    written: new Uint32Array(targets.size),
    questions: 0,
  };
}

/** A start of authority ends with five numbers, of which the serial is the first. */
function serialOf(records: readonly DnsRecord[]): number {
  const found = records.findIndex(({ type }) => type === TYPE.SOA);
  if (found < 0) return -1;
  return records.slice(0, found + 1).reduce((sum, record) => sum + recordBytes(record).length, 0) - 20;
}

/** Sets the zone's serial number, which is the time in seconds: answers are never older than the question. */
export function stampSerial(prepared: Prepared, seconds: number): void {
  if (prepared.serialInAuthority >= 0)
    prepared.authority.writeUInt32BE(seconds >>> 0, prepared.serialInAuthority);
  if (prepared.serialInBytes >= 0) prepared.bytes.writeUInt32BE(seconds >>> 0, prepared.serialInBytes);
}

function isTarget(owner: DnsRecord['owner'], target: Uint8Array | undefined): owner is Uint8Array {
  return owner !== ASKED && target !== undefined && Buffer.compare(owner, target) === 0;
}

function startsOf(lengths: readonly number[]): Uint32Array {
  const starts = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, i) => {
    starts[i + 1] = (starts[i] as number) + length;
  });
  return starts;
}
