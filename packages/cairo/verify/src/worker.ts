// Entry of a verifier thread.
import { parentPort } from 'node:worker_threads';
import type { VerifierReply, VerifierRequest } from './verifier/messages.ts';
import { createCairoVerifier } from './verifier/verifier.ts';

/**
 * Entry of a verifier thread: answers every {@link VerifierRequest} with a {@link VerifierReply},
 * in order. It only relays; spawning, retrying, cancelling and remembering are its owner's.
 */
const port = parentPort;
if (port !== null) {
  const ready = createCairoVerifier();
  port.on('message', ({ id, job }: VerifierRequest) => {
    void ready.then(({ runJob }) => {
      const reply: VerifierReply = { id, verdict: runJob(job) };
      port.postMessage(reply);
    });
  });
}
