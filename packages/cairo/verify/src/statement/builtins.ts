// Segments and builtin pointers of a run: that they fit its layout.
import {
  type Builtin,
  demand,
  type Layout,
  layoutNamed,
  type PublicInput,
  Rejected,
  type Segment,
} from '@fatty/cairo-air';

/** The segments of a run, each there once, checked against what its layout can hold. */
export interface Run {
  readonly layout: Layout;
  readonly program: Segment;
  readonly execution: Segment;
  /** In the layout's order. */
  readonly builtins: readonly Segment[];
}

/**
 * @throws Rejected `unsupported_layout`, and `segments` unless there are exactly those of the
 * layout and every builtin's is whole uses of it, no more than the trace has
 */
export function runSegments(input: PublicInput): Run {
  const layout = layoutNamed(input.layout);
  const wanted = [...layout.segments].sort().join(' ');
  const names = input.segments.map((one) => one.name).join(' ');
  demand(names === wanted, 'segments', wanted, names);
  const segment = (name: string): Segment => {
    const found = input.segments.find((one) => one.name === name);
    if (found === undefined) throw new Rejected('segments', name, 'no such segment');
    return found;
  };
  const rows = input.nSteps * layout.rowsPerStep;
  const builtins = layout.builtins.map((builtin) => {
    const one = segment(builtin.name);
    demandCapacity(builtin, one, rows);
    return one;
  });
  return { layout, program: segment('program'), execution: segment('execution'), builtins };
}

function demandCapacity({ name, cells, rows: perUse }: Builtin, one: Segment, rows: number): void {
  const size = one.stopPtr - one.beginAddr;
  const whole = size >= 0 && size % cells === 0;
  demand(whole, 'segments', `${name}: whole uses of ${cells} cells`, `${size} cells`);
  if (perUse === undefined) return;
  const max = (rows / perUse) * cells;
  demand(size <= max, 'segments', `${name}: at most ${max} cells`, `${size} cells`);
}

/**
 * Which builtins a program took, from the pointers that stand before its frame and behind its run.
 * Empty segments may share an address; the earliest fitting names are taken, and since nothing was
 * asked of them it does not matter which. A builtin that was not taken must not be used. A pointer
 * that begins and ends at 0 is one to a builtin that the layout lacks: bootloaders take them all.
 * @throws Rejected `builtin_cells`
 */
export function matchBuiltins(
  run: Run,
  pointers: readonly { readonly first: bigint; readonly last: bigint }[],
): readonly Segment[] {
  const taken: Segment[] = [];
  const present = pointers.filter(({ first, last }) => first !== 0n || last !== 0n);
  for (const one of run.builtins) {
    const next = present[taken.length];
    const fits = next?.first === BigInt(one.beginAddr) && next.last === BigInt(one.stopPtr);
    if (fits) taken.push(one);
    else {
      const size = one.stopPtr - one.beginAddr;
      demand(size === 0, 'builtin_cells', `pointers to ${one.name}, or no use of it`, size);
    }
  }
  const found = taken.map((one) => one.name).join(' ');
  const all = taken.length === present.length;
  demand(all, 'builtin_cells', `pointers to ${present.length} builtins`, found);
  return taken;
}
