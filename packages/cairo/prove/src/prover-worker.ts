// Entry of a prover thread.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { fail } from '@fatty/codec';
import type { Aid } from './kernels/wasm/crew.ts';
import type { ProverReply, ProverRequest } from './prover/messages.ts';
import { type CairoProver, createProver } from './prover/prover.ts';

type ProveRequest = Extract<ProverRequest, { readonly kind: 'prove' }>;

/** What a prover thread is started with. */
export interface ProverData {
  readonly helpers: readonly MessagePort[];
}

/** Lets messages in, a cancellation among them. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Entry of a prover thread: answers every {@link ProverRequest} with {@link ProverReply}s. It only
 * relays; spawning, retrying and limits are its owner's. Its `workerData` are {@link ProverData}: a
 * port to each thread that helps it.
 */
function serve(port: MessagePort, { helpers }: ProverData): void {
  const cancelled = new Set<number>();
  const crew = {
    helpers: helpers.length,
    summon: (helper: number, aid: Aid): void => helpers[helper]?.postMessage(aid),
  };
  let last: Promise<unknown> = createProver(helpers.length > 0 ? crew : undefined);
  const ready = last as Promise<CairoProver>;
  port.on('message', (request: ProverRequest) => {
    if (request.kind === 'cancel') {
      cancelled.add(request.id);
      return;
    }
    last = last.then(async () => {
      await relay(port, await ready, request, cancelled);
      cancelled.delete(request.id);
    });
  });
}

async function relay(
  port: MessagePort,
  prover: CairoProver,
  { id, run, parameters }: ProveRequest,
  cancelled: ReadonlySet<number>,
): Promise<void> {
  const reply = (message: ProverReply): void => port.postMessage(message);
  const turns = prover.turns(run, parameters);
  for (;;) {
    await nextTurn();
    if (cancelled.has(id)) {
      const outcome = fail('cancelled', 'no cancellation', 'one');
      turns.return(outcome);
      reply({ kind: 'done', id, outcome });
      return;
    }
    const { done, value } = turns.next();
    if (done) {
      reply({ kind: 'done', id, outcome: value });
      return;
    }
    reply({ kind: 'progress', id, progress: value });
  }
}

if (parentPort !== null) serve(parentPort, workerData as ProverData);
