// The codes by which the VM stops.

/**
 * Stable names of what can stop a run. They stand here because an SDK that runs nothing, and holds no
 * VM, names them too.
 */
export type RunCode =
  | 'unsupported_layout'
  | 'unsupported_builtin'
  | 'not_proof_mode'
  | 'bad_program'
  | 'missing_input'
  | 'unknown_input'
  | 'bad_input'
  | 'bad_option'
  | 'bad_instruction'
  | 'bad_address'
  | 'bad_value'
  | 'unknown_cell'
  | 'memory_conflict'
  | 'assert_failed'
  | 'call_frame'
  | 'division_by_zero'
  | 'range_check'
  | 'wrong_hash'
  | 'stop_pointer'
  | 'unset_cell'
  | 'public_cells'
  | 'step_limit';
