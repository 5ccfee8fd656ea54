// Entry of a thread that helps a prover thread.
import { type MessagePort, workerData } from 'node:worker_threads';
import { type Aid, help } from './kernels/wasm/crew.ts';

/** What a helper thread is started with: the other end of a port of its prover thread. */
export interface HelperData {
  readonly port: MessagePort;
}

/**
 * Entry of a thread that helps a prover thread (`prover-worker.ts`): takes part in one proof after
 * the other, and is blocked meanwhile. It ends when its owner ends it.
 */
const { port } = workerData as HelperData;
port.on('message', (aid: Aid) => help(aid));
