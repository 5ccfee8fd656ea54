// What the SDK loads when it is first asked for. Here it is loaded beforehand: a disk takes none of the cell's time,
// so a call would otherwise come too late for an `advance` right behind it.
import '@fatty/core/watching';
import '../sdk/acl-calls.ts';
import '../sdk/cached.ts';
import '../sdk/certified.ts';
import '../sdk/job-calls.ts';
import '../sdk/key-calls.ts';
import '../sdk/machine-calls.ts';
import '../sdk/moving.ts';
import '../sdk/steps.ts';
import '../sdk/txn.ts';
