// Handles on nodes, as Chubby has them.

/// <reference lib="esnext.disposable" preserve="true" />
export {
  Handle,
  type HandleEvent,
  type OpenOptions,
  open,
  type Sequencer,
} from './handle.ts';
