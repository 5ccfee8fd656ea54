// A gateway that lies about what it proves.
import { decode, encode, ok, utf8 } from '@fatty/codec';
import type { ReplicaCore } from '@fatty/host';
import type { LogRecord } from '@fatty/interface';
import type { ReplicaEffect, ReplicaEvent } from '@fatty/replica';
import { GROUP_BYTES } from '@fatty/sessions';
import {
  encodeProved,
  encodeQuestion,
  openProved,
  openQuestion,
  PROOF_BYTES_MAX,
  type ProofQuestion,
  type Proved,
  receiptProofShape,
} from '@fatty/verify';

/** What is said instead of the truth, by the last name of the path that is asked about. */
export const PROOF_LIES = [
  'wrong-value',
  'old-value',
  'wrong-absence',
  'trimmed-listing',
  'short-page',
  'stranger-holds',
  'forged-receipt',
] as const;

/** One of them. */
export type ProofLie = (typeof PROOF_LIES)[number];

interface Asked {
  readonly question: ProofQuestion;
  readonly lie: ProofLie | undefined;
}

type Answer = Extract<ReplicaEffect, { kind: 'proved' }>;

function lieAbout(question: ProofQuestion): ProofLie | undefined {
  if (question.kind === 'receipts') return 'forged-receipt';
  return PROOF_LIES.find((lie) => question.path.endsWith(`/${lie}`));
}

/** Passes everything on, except that questions about some paths are answered with lies. */
export class FalseProofs implements ReplicaCore {
  readonly #core: Required<ReplicaCore>;
  readonly #lied: (lie: ProofLie) => void;
  readonly #asked = new Map<number, Asked>();
  /** By path: the first answer that was given, which gets old. */
  readonly #first = new Map<string, Answer>();

  constructor(core: Required<ReplicaCore>, lied: (lie: ProofLie) => void = () => undefined) {
    this.#core = core;
    this.#lied = lied;
  }

  resume(head: Uint8Array, state: Uint8Array): ReturnType<Required<ReplicaCore>['resume']> {
    return this.#core.resume(head, state);
  }

  restore(records: readonly LogRecord[], mark: Uint8Array | undefined): readonly ReplicaEffect[] {
    return this.#core.restore(records, mark);
  }

  step(event: ReplicaEvent): readonly ReplicaEffect[] {
    return this.#core.step(this.#heard(event)).map((effect) => this.#said(effect));
  }

  /** Another question may have an answer that looks like one to this. */
  #heard(event: ReplicaEvent): ReplicaEvent {
    if (event.kind !== 'prove') return event;
    const opened = openQuestion(event.question);
    if (!opened.ok) return event;
    const question = opened.value;
    const lie = lieAbout(question);
    this.#asked.set(event.tag, { question, lie });
    const other = lie === undefined ? question : otherQuestion(question, lie);
    return { ...event, question: encodeQuestion(other) };
  }

  #said(effect: ReplicaEffect): ReplicaEffect {
    const asked = effect.kind === 'proved' ? this.#asked.get(effect.tag) : undefined;
    if (effect.kind !== 'proved' || asked?.lie === undefined || !effect.answer.ok) return effect;
    this.#asked.delete(effect.tag);
    this.#lied(asked.lie);
    if (asked.lie === 'old-value') return this.#old(effect, asked.question);
    const proved = openProved(effect.answer.value.proof);
    if (!proved.ok) return effect;
    const proof = encodeProved(bent(proved.value, asked.lie));
    return { ...effect, answer: ok({ ...effect.answer.value, proof }) };
  }

  #old(effect: Answer, question: ProofQuestion): ReplicaEffect {
    const key = JSON.stringify(question);
    const first = this.#first.get(key) ?? effect;
    this.#first.set(key, first);
    return { ...first, tag: effect.tag };
  }
}

function otherQuestion(question: ProofQuestion, lie: ProofLie): ProofQuestion {
  // It is proved, and true, that nothing is there.
  if (lie === 'wrong-absence' && 'path' in question) {
    return { ...question, path: `${question.path}-which-is-not-there` };
  }
  if (question.kind !== 'list') return question;
  // A page that leaves out the first child; or one child, over and over.
  if (lie === 'trimmed-listing') return { ...question, from: question.from + 1 };
  return lie === 'short-page' ? { ...question, from: 0, bytesMax: 1 } : question;
}

function bent({ proof, contents }: Proved, lie: ProofLie): Proved {
  if (lie === 'wrong-value') return { proof, contents: contents.map(() => utf8('a lie')) };
  if (lie === 'stranger-holds') return { proof: flipped(proof), contents };
  const receipts = decode(receiptProofShape, proof, PROOF_BYTES_MAX);
  if (lie !== 'forged-receipt' || !receipts.ok) return { proof, contents };
  const { state, kept, group } = receipts.value;
  const forged = flipped(group ?? new Uint8Array(GROUP_BYTES));
  return { proof: encode(receiptProofShape, { state, kept, group: forged }), contents };
}

/** Another last byte. */
function flipped(bytes: Uint8Array): Uint8Array {
  const other = Uint8Array.from(bytes);
  other[other.length - 1] = (other.at(-1) ?? 0) ^ 1;
  return other;
}
