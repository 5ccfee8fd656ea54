// What callers may hand over, looked at before anything is queued.
import {
  type Answer,
  composeOp,
  contentModeShape,
  LEASE_MS_MAX,
  LEASE_MS_MIN,
  lockModeShape,
  type Op,
  positionShape,
  type Query,
} from '@fatty/api';
import {
  bool,
  type Check,
  cellId,
  choice,
  fromHex,
  optional,
  publicKey,
  text,
  utf8,
} from '@fatty/codec';
import { type CellParams, committeeShape } from '@fatty/protocol';
import {
  type Checks,
  checkArgument,
  fields,
  isFunction,
  isObject,
  may,
  maybe,
  must,
} from './checks.ts';
import type { ConnectOptions } from './connect.ts';
import type { CallOptions } from './driver.ts';
import { FattyError } from './error.ts';
import type { DeclareOptions, ProofOptions } from './machine.ts';
import type {
  AclLists,
  AclSetOptions,
  AcquireOptions,
  CertificateOptions,
  CreateOptions,
  FileReadOptions,
  ProveOptions,
  PutOptions,
  ReadOptions,
  RemoveOptions,
} from './options.ts';
import type { WatchOptions } from './watch.ts';

function isBetween(min: number, max: number): (value: unknown) => boolean {
  return (value) => typeof value === 'number' && value >= min && value <= max;
}

/** Whole numbers, both bounds among them. */
export function isWhole(min: number, max: number): (value: unknown) => boolean {
  const between = isBetween(min, max);
  return (value) => Number.isInteger(value) && between(value);
}

const whole = (min: number, max: number = Number.MAX_SAFE_INTEGER): Check =>
  may(`a whole number, ${min}..${max}`, isWhole(min, max));

/** Infinity: never. */
export const duration: Check = may('ms, 0 or more', isBetween(0, Number.POSITIVE_INFINITY));

function isSignal(value: unknown): boolean {
  const { aborted, addEventListener } = Object(value) as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && isFunction(addEventListener);
}

const signal = may('an AbortSignal', isSignal);
const callback = may('a function', isFunction);
const flag = maybe(bool);
/** Goes into an op, which is checked as a whole before it is queued. */
export const inOp: Check = { flawOf: () => undefined };

/** A string without half characters: UTF-8 would silently write another one. */
function isContent(value: unknown): boolean {
  if (typeof value === 'string') return !/\p{Surrogate}/u.test(value);
  return value instanceof Uint8Array;
}

const content = must('bytes, or text without lone surrogates', isContent);

/** Options of every call. */
export const CALL: Checks<CallOptions> = { signal, timeoutMs: duration };
/** Options of `status`. */
export const STATUS: Checks<Pick<CallOptions, 'signal'>> = { signal };
/** Options of reads. */
export const READ: Checks<ReadOptions> = {
  ...CALL,
  level: maybe(choice('delivered', 'committed', 'linearizable', 'certified')),
};
/** Options of `lock.certificate`. */
export const CERTIFICATE: Checks<CertificateOptions> = { ...CALL, bundle: flag };
/** Options of `prove`. */
export const PROVE: Checks<ProveOptions> = {
  ...CALL,
  bundle: flag,
  minPosition: optional(positionShape),
};
/** Options of `get`, `stat` and `ls`. */
export const READ_FILE: Checks<FileReadOptions> = {
  ...READ,
  minPosition: optional(positionShape),
  proof: flag,
};
/** Options of `watch`. */
export const WATCH: Checks<WatchOptions> = {
  recursive: flag,
  from: optional(positionShape),
  signal,
};
/** Options of `create`. */
export const CREATE: Checks<CreateOptions> = {
  ...CALL,
  node: maybe(choice('directory', 'file')),
  content: maybe(content),
  mode: maybe(contentModeShape),
  ephemeral: flag,
  exclusive: flag,
  sequential: flag,
  parents: flag,
};
/** Options of `put`. */
export const PUT: Checks<PutOptions> = {
  ...CALL,
  generation: optional(positionShape),
  lock: maybe(fields({ signal: must('a lock', isSignal), generation: positionShape })),
  parents: flag,
  ephemeral: flag,
  mode: maybe(contentModeShape),
};
const principals = may(
  'an array of texts',
  (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
);
/** Lists of an ACL. */
export const ACL: Checks<AclLists> = { read: principals, write: principals, change: principals };
/** Options of changes of an ACL. */
export const ACL_CHANGE: Checks<AclSetOptions> = { ...CALL, generation: optional(positionShape) };
/** Options of `remove`. */
export const REMOVE: Checks<RemoveOptions> = { ...CALL, recursive: flag };
/** Options of `acquire`. */
export const ACQUIRE: Checks<AcquireOptions> = {
  ...CALL,
  mode: maybe(lockModeShape),
  maxWaitMs: inOp,
  lockDelayMs: inOp,
};
/** Options of `take`, `resume` and `renew`. */
export const PROOF: Checks<ProofOptions> = { ...CALL, nonce: inOp, outputs: inOp, inbox: inOp };
/** Options of `declare`. */
export const DECLARE: Checks<DeclareOptions> = {
  ...CALL,
  programId: inOp,
  t: inOp,
  s: inOp,
  policy: may('an object', isObject),
  binding: inOp,
  outputs: inOp,
  inbox: may('an object', isObject),
  periodMs: inOp,
  lockDelayMs: inOp,
};

const clockBound = must('a number, 0 or more', isBetween(0, Number.MAX_SAFE_INTEGER));

/** A chain is hashed when a session is opened: a longer one would stop the process for seconds. */
const CHAIN_LENGTH_MAX = 1 << 18;
const CHAIN_LENGTH_MIN = 64;

/** Who signs. */
export const SIGNER: Check = fields({ publicKey, sign: must('a function', isFunction) });
/** As text or as bytes. */
const isCellId = (value: unknown): boolean => {
  const bytes = typeof value === 'string' ? fromHex(value) : value;
  return bytes instanceof Uint8Array && bytes.length === 32;
};

/** Options of `connect`. */
export const CONNECT: Checks<ConnectOptions> = {
  signal,
  timeoutMs: duration,
  signer: maybe(SIGNER),
  cellId: may('64 hex digits, or 32 bytes', isCellId),
  webSocket: may('a WebSocket class', isFunction),
  leaseMs: whole(LEASE_MS_MIN, LEASE_MS_MAX),
  graceMs: duration,
  deltaMs: may('ms, more than 0', isBetween(Number.MIN_VALUE, 2 ** 31)),
  bounds: maybe(fields({ epsilonMs: clockBound, rhoPpm: clockBound })),
  chainLength: whole(CHAIN_LENGTH_MIN, CHAIN_LENGTH_MAX),
  opsPerBatchMax: whole(1),
  batchesInFlightMax: whole(1),
  callsQueuedMax: whole(0),
  insecure: may('true or false', (value) => typeof value === 'boolean'),
  onSuspect: callback,
  onFault: callback,
};

const list = (of: Check): Check =>
  must(
    'an array',
    (value) => Array.isArray(value) && value.every((one) => of.flawOf(one) === undefined),
  );

/** A cell as an application hands it over: trusted, but it must be one. */
const cell = fields({
  cellId,
  committee: committeeShape,
  addresses: list(fields({ key: publicKey, client: text(4096) })),
});

const source: Check = {
  flawOf(value) {
    if (typeof value === 'string') return undefined;
    return Array.isArray(value) ? list(text(4096)).flawOf(value) : cell.flawOf(value);
  },
};

/** Where a cell comes from. @throws FattyError `bad_argument` */
export const checkSource = (value: unknown): void => checkArgument('cell', source, value);

/** @throws FattyError `bad_argument` */
export function bytesOf(value: Uint8Array | string, name = 'content'): Uint8Array {
  checkArgument(name, content, value);
  return typeof value === 'string' ? utf8(value) : value;
}

/** For methods that ask something of the cell before they send it. @throws FattyError */
export function checkFirst(op: Op, params: CellParams): void {
  const composed = composeOp(op, params);
  if (!composed.ok) throw new FattyError(composed.failure, { ...REFUSED, path: subjectOf([op]) });
}

const ANSWERS: Readonly<Record<Query['kind'], Answer['kind']>> = {
  get: 'value',
  contents: 'value',
  stat: 'stat',
  list: 'list',
  session: 'session',
  lock: 'lock',
  machine: 'machine',
  acl: 'acl',
  job: 'job',
  jobs: 'jobs',
  key: 'key',
  members: 'members',
  status: 'status',
  own: 'own',
};

/**
 * A query that is none is refused where it is asked.
 * @throws FattyError `bad_argument` for a kind that no answer to the query is of
 */
export function checkAnswerKind(query: Query, kind: unknown): void {
  const table: Readonly<Record<string, string>> = ANSWERS;
  const asked = attempted(() => query.kind);
  const wanted =
    typeof asked === 'string' && Object.hasOwn(table, asked) ? table[asked] : undefined;
  if (wanted !== undefined)
    checkArgument(
      'kind',
      must(wanted, (value) => value === wanted),
      kind,
    );
}

/** Undefined when reading it throws. */
function attempted(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Must be given. */
export const FUNCTION: Check = must('a function', isFunction);
/** One of the states of a session, or `epoch`. */
export const SESSION_STATE: Check = choice(
  'epoch',
  'none',
  'opening',
  'connected',
  'jeopardy',
  'safe',
  'expired',
);

/** A whole number from 0, at most `max`; must be given. */
export function wholeUpTo(max: number): Check {
  return must(`a whole number, 0..${max}`, isWhole(0, max));
}

/** What a refusal of the SDK's own says besides its failure. */
export const REFUSED = { outcome: 'not_applied', retryable: false } as const;

/** The path of the one op or query of a call, whatever its caller has called one. */
export function subjectOf(asked: unknown): string | undefined {
  const path = attempted(() => {
    const [only, ...more] = asked as readonly { readonly path?: unknown }[];
    return more.length === 0 ? only?.path : undefined;
  });
  return typeof path === 'string' ? path : undefined;
}
