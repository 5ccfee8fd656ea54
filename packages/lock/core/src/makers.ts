// How a core is given the parts that are loaded when they are needed.
import type { MakeEpochs } from './following.ts';
import type { MakeAsks } from './reads.ts';
import type { Shared } from './shared.ts';
import type { Watches, WatchesTell } from './watches.ts';

/** Each makes its part; the part itself comes with a module that the caller has loaded. */
export interface Makers {
  readonly watches?: (shared: Shared, tell: WatchesTell) => Watches;
  readonly asks?: MakeAsks;
  readonly epochs?: MakeEpochs;
}
