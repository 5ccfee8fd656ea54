// What convicts members, kept beyond the epoch in which they lied: a new epoch begins without it.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReplicaStatus } from '@fatty/replica';

/** Evidence against a member of some epoch. */
export interface KeptEvidence {
  /** Whose members it is held against. */
  readonly epoch: number;
  /** Committee index in that epoch. */
  readonly member: number;
  readonly by: string;
  /** Hex of the canonical bytes. */
  readonly evidence: string;
}

/** Pieces that are kept, the newest: one is a few kilobytes, and an epoch has at most one for each member. */
const KEPT_MAX = 256;

type Found = Pick<ReplicaStatus, 'epoch' | 'evidence'>;

/** The evidence of a replica's folder, DIR/evidence.json. Only a memory for people: the core has its own. */
export class EvidenceFile {
  readonly #path: string;
  #kept: readonly KeptEvidence[];

  constructor(dir: string) {
    this.#path = join(dir, 'evidence.json');
    this.#kept = read(this.#path);
  }

  /** Of all epochs, the oldest first: what is kept, and what the replica has now. */
  with(found: Found): readonly KeptEvidence[] {
    const known = new Set(this.#kept.map(({ evidence }) => evidence));
    const news = found.evidence.filter(({ evidence }) => !known.has(evidence));
    return [...this.#kept, ...news.map((one) => ({ epoch: found.epoch, ...one }))];
  }

  /** Writes down what is new. @throws Error when the file cannot be written */
  keep(found: Found): void {
    const all = this.with(found);
    if (all.length === this.#kept.length) return;
    this.#kept = all.slice(-KEPT_MAX);
    writeFileSync(`${this.#path}.new`, `${JSON.stringify(this.#kept)}\n`);
    renameSync(`${this.#path}.new`, this.#path);
  }
}

/** What cannot be read is left out: `fatty evidence` judges each piece by itself. */
function read(path: string): readonly KeptEvidence[] {
  try {
    const rows: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(rows) ? rows.filter(isPiece).slice(-KEPT_MAX) : [];
  } catch {
    return [];
  }
}

function isPiece(row: unknown): row is KeptEvidence {
  if (typeof row !== 'object' || row === null) return false;
  const { epoch, member, by, evidence } = row as Record<string, unknown>;
  const areTexts = typeof by === 'string' && typeof evidence === 'string';
  return Number.isSafeInteger(epoch) && Number.isSafeInteger(member) && areTexts;
}
