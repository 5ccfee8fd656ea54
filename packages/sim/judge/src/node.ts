// What one node must do: a file with a lock on it, one call after the other.
import type { Call, CallOp, CallOutcome, Mode } from './history.ts';

/** A file as it stands. `generation` undefined: no answer has named it yet. */
interface Content {
  readonly values: readonly string[];
  readonly generation: string | undefined;
}

interface Holder {
  /** The generation of the grant; a name made up for a grant that nobody heard of. */
  readonly hold: string;
  readonly mode: Mode;
}

/** A node between two calls. */
export interface NodeState {
  readonly file: Content | undefined;
  /** Highest content generation that an answer named; it outlives the file. */
  readonly written: string;
  readonly holders: readonly Holder[];
  /** Highest generation of a grant that an answer named. */
  readonly granted: string;
  /** Somebody has lost the lock since the last grant: a delay may still run. */
  readonly delayed: boolean;
  /** State clock of the machine. */
  readonly t: number;
}

/** Before the first call. */
export const NOTHING: NodeState = {
  file: undefined,
  written: '',
  holders: [],
  granted: '',
  delayed: false,
  t: -1,
};

/** What a grant is called of which nobody heard. */
export const unheard = (call: number): string => `unheard ${call}`;

type Ok = Extract<CallOutcome, { kind: 'ok' }>;
type OpOf<K extends CallOp['kind']> = Extract<CallOp, { kind: K }>;

/** The next state, or why the answer cannot be given in this one. */
type Step = NodeState | string;

/** The state after this call, the `index`-th of its history; a text says why it cannot be next. */
export function step(state: NodeState, { op, outcome }: Call, index: number): Step {
  if (outcome.kind === 'refused') return refused(state, op, outcome.code);
  const answer: Ok = outcome.kind === 'ok' ? outcome : { kind: 'ok' };
  switch (op.kind) {
    case 'create':
      if (state.file !== undefined) return `there is a file with ${told(state.file)}`;
      return write(state, [op.value], answer);
    case 'put':
      return write(state, [op.value], answer);
    case 'write':
      return overwrite(state, op, answer);
    case 'compareAndSet':
      return compareAndSet(state, op, answer);
    case 'delete':
      return state.file === undefined ? 'there is no file' : { ...state, file: undefined };
    case 'read':
      return read(state, answer);
    case 'acquire':
      return acquire(state, op.mode ?? 'exclusive', answer, index);
    case 'renew':
      return renew(state, op, answer);
    case 'release':
      return isHeld(state, op.generation)
        ? without(state, op.generation)
        : `${op.generation} is not held`;
    case 'lost':
      return isHeld(state, op.generation)
        ? { ...without(state, op.generation), delayed: true }
        : `${op.generation} is not held`;
  }
}

function write(state: NodeState, values: readonly string[], { generation }: Ok): Step {
  if (generation !== undefined && generation <= state.written) {
    return `generation ${state.written} was there before`;
  }
  const file = { values: [...values].sort(), generation };
  return { ...state, file, written: generation ?? state.written };
}

function overwrite(state: NodeState, { value, observed }: OpOf<'write'>, answer: Ok): Step {
  if (state.file === undefined) return 'there is no file';
  const kept = state.file.values.filter((one) => !observed.includes(one));
  return write(state, [...kept, value], answer);
}

function compareAndSet(state: NodeState, op: OpOf<'compareAndSet'>, answer: Ok): Step {
  const { file } = state;
  if (file === undefined) return 'there is no file';
  if (op.lock !== undefined && !isHeld(state, op.lock)) return `lock ${op.lock} is not held`;
  if (op.generation === undefined) return write(state, [op.value], answer);
  const seen = named(state, file, op.generation);
  if (typeof seen === 'string') return seen;
  return write(seen, [op.value], answer);
}

/** The content has this generation; what no answer named yet may have it when it is higher than all before. */
function named(state: NodeState, file: Content, generation: string): Step {
  if (file.generation === undefined) {
    if (generation <= state.written) return `generation ${state.written} was there before`;
    return { ...state, file: { ...file, generation }, written: generation };
  }
  return file.generation === generation ? state : `the file has ${told(file)}`;
}

function read(state: NodeState, { values = [], generation }: Ok): Step {
  const { file } = state;
  if (file === undefined) return 'there is no file';
  if ([...values].sort().join('\0') !== file.values.join('\0')) return `the file has ${told(file)}`;
  return generation === undefined ? state : named(state, file, generation);
}

function acquire(state: NodeState, mode: Mode, { generation, t }: Ok, index: number): Step {
  const other = state.holders.find((one) => one.mode === 'exclusive' || mode === 'exclusive');
  if (other !== undefined) return `${other.hold} holds it`;
  if (generation !== undefined && generation <= state.granted) {
    return `generation ${state.granted} was granted before`;
  }
  if (t !== undefined && t < state.t) return `the machine is at ${state.t}`;
  const holders = [...state.holders, { hold: generation ?? unheard(index), mode }];
  const granted = generation ?? state.granted;
  return { ...state, holders, granted, delayed: false, t: t ?? state.t };
}

function renew(state: NodeState, { generation }: OpOf<'renew'>, { t = state.t }: Ok): Step {
  if (!isHeld(state, generation)) return `${generation} is not held`;
  return t < state.t ? `the machine is at ${state.t}` : { ...state, t };
}

/** What a refusal says about the state; codes that are not named here say nothing. */
function refused(state: NodeState, op: CallOp, code: string): Step {
  const { file } = state;
  if (code === 'not_found') {
    const isFile = op.kind !== 'acquire' && op.kind !== 'release' && op.kind !== 'renew';
    return isFile && file !== undefined ? `there is a file with ${told(file)}` : state;
  }
  if (code === 'exists') return file === undefined ? 'there is no file' : state;
  if (code === 'lock_held' || code === 'held') {
    return state.holders.length > 0 || state.delayed ? state : 'nobody holds it';
  }
  if (op.kind === 'compareAndSet' && code === 'generation_mismatch') {
    const isSame = file?.generation !== undefined && file.generation === op.generation;
    return isSame ? `the file has ${told(file)}` : state;
  }
  const isGone = code === 'not_held' || code === 'lock_mismatch' || code === 'not_lessee';
  if (isGone && (op.kind === 'release' || op.kind === 'renew')) {
    return without(state, op.generation);
  }
  return state;
}

function isHeld(state: NodeState, hold: string): boolean {
  return state.holders.some((one) => one.hold === hold);
}

function without(state: NodeState, hold: string): NodeState {
  return { ...state, holders: state.holders.filter((one) => one.hold !== hold) };
}

function told({ values, generation }: Content): string {
  const which = generation === undefined ? '' : ` of generation ${generation}`;
  return `${values.map((value) => JSON.stringify(value)).join(', ')}${which}`;
}

/** Equal for equal states and for no others. */
export function keyOf({ file, written, holders, granted, delayed, t }: NodeState): string {
  const held = holders.map(({ hold, mode }) => `${hold} ${mode}`).sort();
  const content = file === undefined ? [] : [file.values, file.generation ?? null];
  return JSON.stringify([content, written, held, granted, delayed, t]);
}
