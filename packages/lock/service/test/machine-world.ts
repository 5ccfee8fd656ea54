// Test helper: a world with machines, and proofs with a stand-in for the STARK.
import { encodeOp, type Op, type Result } from '@fatty/api';
import { bindingCell, decodeJob, encodeProof, type Proof, programId } from '@fatty/cairo-verify';
import type { Position } from '@fatty/interface';
import { CELL, Client, member, op, World } from './world.ts';

/** Of a refusal. */
export const code = (value: unknown): unknown => (value as { code?: string }).code;

/** The fixed prologue of a proof-mode program, then one word of its own. */
export const WORDS = [
  0x40780017fff7fffn,
  0n,
  0x1104800180018000n,
  4n,
  0x10780017fff7fffn,
  0n,
  0x208b7fff7fff7ffen,
];
export const PROGRAM = programId({ layout: 'plain', builtins: [], words: WORDS });

export interface Claim {
  readonly binding?: bigint;
  readonly from: readonly [t: bigint, s: bigint];
  readonly to: readonly [t: bigint, s: bigint];
  /** Cells behind the six: `in`, its window, outputs. */
  readonly outputs?: readonly bigint[];
  readonly commitmentHash?: string;
  readonly words?: readonly bigint[];
  /** What the stand-in for the STARK verifier answers. */
  readonly lie?: boolean;
}

/** A real envelope with a real statement; only the STARK bytes are a stand-in. */
export function envelope(claim: Claim): Uint8Array {
  const { binding = 0n, from, to, outputs = [], words = WORDS } = claim;
  const fp = words.length + 3;
  const cells = [binding, ...from, to[0] - from[0], ...to, ...outputs];
  const proof: Proof = {
    parameters: {
      channelHash: 'keccak256',
      commitmentHash: claim.commitmentHash ?? 'keccak256',
      pageHash: 'keccak256',
      powHash: 'keccak256',
      friStepList: [0, 3, 2],
      lastLayerDegreeBound: 64,
      logNCosets: 4,
      nQueries: 20,
      powBits: 16,
      nVerifierFriendlyLayers: 0,
      verifierFriendlyHash: '',
      verifierFriendlyChannel: false,
    },
    publicInput: {
      layout: 'plain',
      nSteps: 128,
      rcMin: 32_763,
      rcMax: 32_773,
      segments: [
        { name: 'execution', beginAddr: fp, stopPtr: fp + 40 },
        { name: 'program', beginAddr: 1, stopPtr: 5 },
      ],
      dynamicParams: [],
      publicMemory: [
        ...words.map((value, i) => ({ address: i + 1, value, page: 0 })),
        { address: fp - 2, value: BigInt(fp), page: 0 },
        { address: fp - 1, value: 0n, page: 0 },
        ...cells.map((value, i) => ({ address: fp + 2 + i, value, page: 0 })),
      ],
    },
    proofBytes: new Uint8Array(64).fill(claim.lie === true ? 0xff : 1),
  };
  return encodeProof(proof);
}

/** What a worker would do with a job, the STARK replaced by a flag in the proof bytes. */
function worker(job: Uint8Array): string {
  const decoded = decodeJob(job);
  if (!decoded.ok) return decoded.failure.code;
  const lies = decoded.value.proofs.some((proof) => proof.at(-1) === 0xff);
  return lies ? 'bad_stark' : 'accept';
}

/** One op through validate(), the stand-in worker and apply(), as a replica would. */
export function sendChecked(world: World, client: Client, sent: Op): Result | string {
  const source = {
    client: client.signer.publicKey,
    session: client.session,
    seq: client.seq,
    index: 0,
    author: member(0),
    basis: { epoch: 0, commit: 0 },
  };
  const opened = world.service.open(encodeOp(sent));
  if (!opened.ok) return opened.failure.code;
  const verdict = world.service.validate(source, opened.value);
  if (verdict.kind === 'ask') {
    const said = worker(verdict.job);
    if (said !== 'accept') return said;
  } else if (verdict.kind !== 'accept') {
    return verdict.code;
  }
  return world.one(client, sent);
}

export type Proven = Extract<Op, { kind: 'takeMachine' | 'renewMachine' }>;

export const PATH = '/machines/tick';

export class MachineWorld extends World {
  readonly a = new Client(1);
  readonly b = new Client(2);

  constructor(extra: Partial<Extract<Op, { kind: 'declareMachine' }>> = {}) {
    super();
    this.open(this.a, op.dir('/machines'), declaration(extra));
    this.open(this.b);
  }

  get machine(): Extract<ReturnType<World['ask']>, { kind: 'machine' }> {
    const answer = this.ask({ kind: 'machine', path: PATH });
    if (answer.kind !== 'machine') throw new Error('a machine');
    return answer;
  }

  /** Through validate(), the stand-in worker and apply(), as a replica would. */
  send(client: Client, sent: Op): Result | string {
    return sendChecked(this, client, sent);
  }

  /** The next proofs of this machine, bound to a client and a nonce. */
  proven(
    kind: Proven['kind'],
    client: Client,
    claims: readonly Claim[],
    nonce: Position = this.machine.nonce,
  ): Proven {
    const binding = bindingCell(CELL, PATH, client.signer.publicKey, nonce);
    const proofs = claims.map((claim) => envelope({ binding, ...claim }));
    const { outputCount: outputs, inbox } = this.machine;
    return { kind, path: PATH, nonce, outputs, inbox: inbox?.terms.window ?? 0, proofs };
  }

  take(client: Client, ...claims: readonly Claim[]): Result | string {
    return this.send(client, this.proven('takeMachine', client, claims));
  }

  renew(client: Client, ...claims: readonly Claim[]): Result | string {
    return this.send(client, this.proven('renewMachine', client, claims));
  }
}

export function declaration(extra: Partial<Extract<Op, { kind: 'declareMachine' }>> = {}): Op {
  return {
    kind: 'declareMachine',
    path: PATH,
    programId: PROGRAM,
    t: 0n,
    s: 1n,
    policy: { layout: 'plain', bitsMin: 96, collisionBitsMin: 124 },
    binding: 'lessee',
    outputs: 0,
    inbox: undefined,
    periodMs: 2_000,
    lockDelayMs: 3_000,
    ...extra,
  };
}
