// Stands in for prover and verifier: proofs as an ideal.
import {
  COMMITTEE_POLICY,
  checkRenewal,
  decodeJob,
  encodeProof,
  proofParameters,
} from '@fatty/cairo-verify';
import { ACCEPT, hash, reject, toHex } from '@fatty/codec';
import type { Digest, Position, PublicKey, Verdict } from '@fatty/interface';

/** What one proof says, and to whom it is bound (undefined: to nobody). */
export interface Proven {
  readonly bound:
    | { readonly path: string; readonly lessee: PublicKey; readonly nonce: Position }
    | undefined;
  readonly tFrom: bigint;
  readonly sFrom: bigint;
  readonly tTo: bigint;
  readonly sTo: bigint;
  /** Cells behind the six: `in`, then the window of the inbox. None for a machine without. */
  readonly extra: readonly bigint[];
}

const STEPS = 64;
/** A program that returns at once: what it computes is the stand-in's own business. */
const PROGRAM: readonly bigint[] = [
  0x40780017fff7fffn,
  0n,
  0x1104800180018000n,
  4n,
  0x10780017fff7fffn,
  0n,
  0x208b7fff7fff7ffen,
];
const FP = PROGRAM.length + 3;

/** The envelope of a statement about the stand-in's program, with no proof in it. */
function envelopeOf(binding: bigint, { tFrom, sFrom, tTo, sTo, extra }: Proven): Uint8Array {
  const cells = [binding, tFrom, sFrom, 1n, tTo, sTo, ...extra];
  const memory = [
    ...PROGRAM.map((value, i) => [i + 1, value] as const),
    [FP - 2, BigInt(FP)] as const,
    [FP - 1, 0n] as const,
    ...cells.map((value, i) => [FP + 2 + i, value] as const),
  ];
  return encodeProof({
    parameters: proofParameters(STEPS),
    publicInput: {
      layout: 'plain',
      nSteps: STEPS,
      rcMin: 0,
      rcMax: 0xffff,
      segments: [
        { name: 'execution', beginAddr: FP, stopPtr: FP + 2 + cells.length },
        { name: 'program', beginAddr: 1, stopPtr: 5 },
      ],
      dynamicParams: [],
      publicMemory: memory.map(([address, value]) => ({ address, value, page: 0 })),
    },
    proofBytes: new Uint8Array(),
  });
}

const keyOf = (envelope: Uint8Array): string => toHex(hash('testnet-proof', envelope));

/**
 * Proofs as an ideal: only {@link prove} makes a true one, anybody may copy it, and whatever was not
 * made here is false. It stands in for the STARK alone; everything around it is the real code.
 */
export class IdealProver {
  readonly #made = new Map<string, Proven>();
  readonly #adopted = new Map<string, Proven>();

  /** The program that every stand-in proof is about. */
  get programId(): Digest {
    const step = { tFrom: 0n, sFrom: 0n, tTo: 1n, sTo: 0n, extra: [] };
    const some = envelopeOf(0n, { bound: undefined, ...step });
    return statementsOf([some]).programId;
  }

  prove(binding: bigint, proven: Proven): Uint8Array {
    const envelope = envelopeOf(binding, proven);
    this.#made.set(keyOf(envelope), proven);
    return envelope;
  }

  /** A statement of the same form that nobody has proved. */
  forge(binding: bigint, proven: Proven): Uint8Array {
    return envelopeOf(binding, proven);
  }

  /** A true proof from elsewhere, bound to nobody: known to the book, but not to {@link verdictOf}. */
  adopt(envelope: Uint8Array): void {
    const [lease] = statementsOf([envelope]).leases;
    if (lease !== undefined) this.#adopted.set(keyOf(envelope), { ...lease, bound: undefined });
  }

  /** What a true proof says; undefined for everything else. */
  provenBy(envelope: Uint8Array): Proven | undefined {
    const key = keyOf(envelope);
    return this.#made.get(key) ?? this.#adopted.get(key);
  }

  verdictOf(job: Uint8Array): Verdict {
    const decoded = decodeJob(job);
    const proofs = decoded.ok ? decoded.value.proofs : [];
    const isTrue = proofs.length > 0 && proofs.every((one) => this.#made.has(keyOf(one)));
    return isTrue ? ACCEPT : reject('bad_fri', 'a proof', 'none');
  }
}

function statementsOf(proofs: readonly Uint8Array[]) {
  const job = { policy: COMMITTEE_POLICY, programId: undefined, binding: undefined, extra: 0 };
  const checked = checkRenewal({ ...job, proofs });
  if (!checked.ok) throw new TypeError(`${checked.failure.code}: ${checked.failure.actual}`);
  return checked.value;
}
