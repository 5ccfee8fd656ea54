// Questions for proofs: handed to the replica, and answered when it has a certificate.
import { toHex } from '@fatty/codec';
import type { Failure, Outcome } from '@fatty/interface';
import { BULK } from '@fatty/interface';
import type { ClientMessageOf } from '@fatty/protocol';
import type { CertifiedProof } from '@fatty/replica';
import type { GatewayReplica, Served } from './contract.ts';
import { REOPENING, unsent } from './refusals.ts';
import type { Telling } from './telling.ts';
import type { Visitor, Visitors } from './visitors.ts';

type Prove = Extract<ClientMessageOf<never>, { kind: 'prove' }>;

interface Asked {
  readonly visitor: Visitor;
  readonly request: number;
  readonly question: Uint8Array;
}

/** What answering takes. */
export interface ProofParts {
  readonly replica: Pick<GatewayReplica, 'prove'>;
  readonly served: Pick<Served<never, never>, 'refuseProof'>;
  readonly visitors: Visitors;
  readonly telling: Pick<Telling<never>, 'bytesOf' | 'sendError' | 'serve'>;
  /** Questions of one client that wait for a certificate. */
  readonly waitingProofsMax: number;
}

/** The questions of all clients of one gateway that the replica has not answered. */
export class Proofs {
  readonly #parts: ProofParts;
  readonly #asked = new Map<number, Asked>();
  /** By client key: how many of its links' questions wait. */
  readonly #waiting = new Map<string, number>();
  #nextTag = 1;

  constructor(parts: ProofParts) {
    this.#parts = parts;
  }

  take(visitor: Visitor, { request, minCommit, question }: Prove, slowDown?: Failure): void {
    const { telling, replica, served, waitingProofsMax } = this.#parts;
    const refusal = slowDown ?? served.refuseProof(question, visitor.link.peer);
    if (refusal) return telling.sendError(visitor, request, refusal);
    const client = toHex(visitor.link.peer);
    const waiting = this.#waiting.get(client) ?? 0;
    if (waiting >= waitingProofsMax) {
      const expected = `at most ${waitingProofsMax} questions that wait`;
      return telling.sendError(visitor, request, {
        code: 'slow_down',
        expected,
        actual: 'one more',
      });
    }
    const tag = this.#nextTag++;
    this.#asked.set(tag, { visitor, request, question });
    this.#waiting.set(client, waiting + 1);
    replica.prove(question, minCommit, tag);
  }

  /** What became of it; nobody is told whose link is gone. */
  answered(tag: number, answer: Outcome<CertifiedProof>): void {
    const asked = this.#close(tag);
    if (asked === undefined || !this.#parts.visitors.has(asked.visitor.link)) return;
    const { visitor } = asked;
    this.#parts.telling.serve(visitor.link, 'prove', () => this.#tell(asked, answer));
  }

  /** The replica that was asked has ended, and will not answer. */
  lost(): void {
    for (const tag of this.#asked.keys()) this.answered(tag, { ok: false, failure: REOPENING });
  }

  #tell({ visitor, request, question }: Asked, answer: Outcome<CertifiedProof>): void {
    const { telling, visitors, served } = this.#parts;
    // The rules may have changed while it waited.
    const refusal = served.refuseProof(question, visitor.link.peer);
    if (refusal) return telling.sendError(visitor, request, refusal);
    if (!answer.ok) return telling.sendError(visitor, request, answer.failure);
    const { cert, proof } = answer.value;
    const bytes = telling.bytesOf({ kind: 'proved', request, cert, proof });
    // A long answer costs its client more than the question did.
    visitors.charge(visitor, 0, bytes.length);
    if (visitor.link.send(bytes, BULK)) return;
    telling.sendError(visitor, request, unsent(visitor.link, bytes.length));
  }

  #close(tag: number): Asked | undefined {
    const asked = this.#asked.get(tag);
    if (asked === undefined) return undefined;
    this.#asked.delete(tag);
    const client = toHex(asked.visitor.link.peer);
    const left = (this.#waiting.get(client) ?? 1) - 1;
    if (left > 0) this.#waiting.set(client, left);
    else this.#waiting.delete(client);
    return asked;
  }
}
