// The table of every vector proof in tests/README.md.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ANY_POLICY,
  type CairoVerifier,
  COMMITTEE_POLICY,
  type Policy,
  type Proof,
  parseStoneJson,
} from '../src/index.ts';

/** What we and StarkWare's verifier answer about one proof file. */
export interface VectorRow {
  readonly file: string;
  /** `accept` or a code: under the committee's policy, and with every configuration allowed. */
  readonly committee: string;
  readonly statement: string;
  /** The STARK alone, every configuration allowed: what StarkWare's verifier looks at. */
  readonly run: string;
  /** StarkWare's answer, from the README of the vectors. */
  readonly stone: string;
  /** Whether that README calls it a proof of the older format, which StarkWare's does not read. */
  readonly isOlderFormat: boolean;
}

const CHAIN = /^\| lease-chain\/\d\.json \|/;

/** Answers of StarkWare's verifier by file, from the README's tables. */
function stoneAnswers(readme: string): ReadonlyMap<string, readonly [string, boolean]> {
  const answers = new Map<string, readonly [string, boolean]>();
  for (const line of readme.split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim());
    const file = cells[1] ?? '';
    if (!file.endsWith('.json')) continue;
    const answer = CHAIN.test(line)
      ? 'ACCEPT'
      : cells.find((cell) => /^(ACCEPT|REJECT)/.test(cell));
    if (answer === undefined) continue;
    const isPublished = !file.startsWith('stone-local/');
    answers.set(file, [answer, isPublished && answer === 'REJECT Out of domain']);
  }
  return answers;
}

/** The six statement cells are a lease in everything made here, but one run of 800 transitions. */
function isLease(file: string): boolean {
  return /^(stone-local|lease-chain)\//.test(file) && !file.includes('tick_n800');
}

/** One row per proof file in `folder`/stone. */
export function vectorRows(folder: string, verifier: CairoVerifier): VectorRow[] {
  const stone = join(folder, 'stone');
  const answers = stoneAnswers(readFileSync(join(stone, 'README.md'), 'utf8'));
  const groups = readdirSync(stone, { withFileTypes: true }).filter((one) => one.isDirectory());
  return groups.flatMap(({ name }) =>
    readdirSync(join(stone, name))
      .filter((file) => file.endsWith('.json'))
      .map((file) => [`${name}/${file}`, readFileSync(join(stone, name, file), 'utf8')] as const)
      .filter(([, text]) => text.includes('"proof_hex"'))
      .map(([file, text]) => rowOf(verifier, file, text, answers.get(file))),
  );
}

function rowOf(
  verifier: CairoVerifier,
  file: string,
  text: string,
  known: readonly [string, boolean] | undefined,
): VectorRow {
  if (known === undefined) throw new Error(`the README does not say what Stone answers: ${file}`);
  const [stone, isOlderFormat] = known;
  const read = parseStoneJson(text);
  const answer = (check: (proof: Proof) => { kind: string; code?: string }): string => {
    if (!read.ok) return read.failure.code;
    const { kind, code } = check(read.value);
    return code ?? kind;
  };
  const options = isLease(file) ? { lease: { extra: 0 } } : {};
  const statement = (policy: Policy): string =>
    answer((proof) => verifier.verifyProof(proof, policy, options));
  return {
    file,
    committee: statement(COMMITTEE_POLICY),
    statement: statement(ANY_POLICY),
    run: answer((proof) => verifier.verifyRun(proof, ANY_POLICY)),
    stone,
    isOlderFormat,
  };
}

const INTRODUCTION = `
Made by \`packages/cairo/verify/test/vectors.test.ts\`; \`FATTY_VECTORS=… GOLDEN=write\` writes it anew. The
files are not in this repository; \`stone-local\` and \`lease-chain\` were made for this project with
StarkWare's prover, the others were published by the repositories they are named after.

- **committee**: \`verifyProof\` under the default policy (layout plain, seed stone6, byte channels,
  96 bits).
- **any configuration**: \`verifyProof\` with every layout, hash, seed and number of
  verifier-friendly layers that can be checked, and no minimum of bits; the statement must still be
  well-formed, and a lease where the file is one.
- **run only**: \`verifyRun\`, the STARK without the statement: what StarkWare's verifier looks at.
- **Stone**: StarkWare's verifier of 1414a545, seed stone6. *older* marks proofs with the stone5 seed,
  which it refuses and which are valid in their format.
`;

function sectionOf(rows: readonly VectorRow[]): string {
  const lines = rows.map(({ file, committee, statement, run, stone, isOlderFormat }) => {
    const older = isOlderFormat ? ' *older*' : '';
    return `| ${file} | ${committee} | ${statement} | ${run} | ${stone}${older} |`;
  });
  const head = [
    '| file | committee | any configuration | run only | Stone |',
    '|---|---|---|---|---|',
  ];
  return `${INTRODUCTION}\n${[...head, ...lines].join('\n')}\n`;
}

const BEGIN = '<!-- every vector: begin -->\n';
const END = '<!-- every vector: end -->';

/** `page` with the table of these rows between its two marks. */
export function withTable(page: string, rows: readonly VectorRow[]): string {
  const [before, rest, ...more] = page.split(BEGIN);
  const [, after] = (rest ?? '').split(END);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error('the page does not hold both marks once');
  return `${before}${BEGIN}${sectionOf(rows)}${END}${after}`;
}
