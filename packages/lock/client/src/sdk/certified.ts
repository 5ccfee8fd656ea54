// Reads that nobody has to be believed for. Loaded when the first one is asked for.
import type { Entry, Stat } from '@fatty/api';
import { compareBytes, equalBytes, fail, fromUtf8, ok, sha256 } from '@fatty/codec';
import type { ClientCore, ProofSaid } from '@fatty/core';
import { Asks } from '@fatty/core/asking';
import type { Outcome, Position, SessionId } from '@fatty/interface';
import type { Committee } from '@fatty/protocol';
import {
  CellChain,
  checkCertified,
  checkContents,
  encodeBundle,
  encodeCertified,
  encodeQuestion,
  type Fact,
  type NodeRecord,
  openProved,
  type ProofQuestion,
  type ProvedChild,
  subjectOf,
} from '@fatty/verify';
import { failureError } from './answers.ts';
import type { Driver } from './driver.ts';
import { clientError, FattyError } from './error.ts';
import type { Certified, FileValue, ProveOptions } from './options.ts';
import { fileValue } from './steps.ts';

type FactOf<K extends Fact['kind']> = Extract<Fact, { kind: K }>;

/** Asks replicas for proofs. */
export type Asking = Pick<Driver, 'call' | 'rules'> & {
  readonly core: Pick<ClientCore, 'attach'>;
};

/** How often a listing is read anew because it changed between two pages. */
const ATTEMPTS_MAX = 8;
/** What is asked for of a listing at once, bytes. */
const PAGE_BYTES = 256 * 1024;

const NOTHING: Uint8Array = new Uint8Array();

/** By the genesis of a client's cell: what links have proved to it stays proved. */
const chains = new WeakMap<Committee, CellChain>();

/** The chain as far as the client knows it. Codes of `CellChain`. */
function chainOf(rules: Asking['rules']): Outcome<CellChain> {
  const known = chains.get(rules.genesis);
  if (known === undefined) {
    const opened = CellChain.open(rules);
    if (opened.ok) chains.set(rules.genesis, opened.value);
    return opened;
  }
  const grown = known.grow(rules.links);
  return grown.ok ? ok(known) : grown;
}

/** What is proved, and what of it was asked for. Codes of `checkCertified`, `bad_proof`. */
function opened(
  chain: CellChain,
  question: ProofQuestion,
  { cert, proof }: ProofSaid,
): Outcome<Certified> {
  const proved = openProved(proof);
  if (!proved.ok) return proved;
  const { contents, proof: node } = proved.value;
  const bytes = encodeCertified({ about: subjectOf(question), cert, proof: node });
  const fact = checkCertified(chain, bytes);
  if (!fact.ok) return fact;
  const flaw = flawOf(question, fact.value, contents);
  return flaw ?? ok({ fact: fact.value, proof: bytes, contents });
}

/** What is proved may be true and not what was asked for. */
function flawOf(
  question: ProofQuestion,
  fact: Fact,
  contents: readonly Uint8Array[],
): Outcome<never> | undefined {
  if (question.kind === 'list' && fact.kind === 'list') {
    const { from, total, children } = fact;
    const isDue = total === 0 ? from === 0 : from === question.from && children.length > 0;
    const actual = `${children.length} of ${total} from ${from}`;
    return isDue ? undefined : fail('bad_proof', `a page from ${question.from}`, actual);
  }
  const node = question.kind === 'file' && fact.kind === 'node' ? fact.node : undefined;
  if (node !== undefined) {
    const checked = checkContents(node, contents);
    return checked.ok ? undefined : checked;
  }
  return contents.length === 0 ? undefined : fail('bad_proof', 'no contents', 'some');
}

/** Asks until a replica proves it. @throws FattyError `no_certificate`, `not_provable`, `timeout`, `aborted`… */
export async function prove(
  driver: Asking,
  question: ProofQuestion,
  options: ProveOptions,
): Promise<Certified> {
  driver.core.attach({ asks: (shared, freshRequest) => new Asks(shared, freshRequest) });
  const path = 'path' in question ? question.path : undefined;
  let last: Certified | undefined;
  const check = (said: ProofSaid): Outcome<number> => {
    // The members may change while it is asked.
    const chain = chainOf(driver.rules);
    const found = chain.ok ? opened(chain.value, question, said) : chain;
    if (!found.ok) return found;
    last = found.value;
    return ok(last.fact.head.commit);
  };
  const minCommit = options.minPosition?.commit ?? 0;
  const request = { kind: 'prove', question: questionBytes(question), minCommit, check } as const;
  const outcome = await driver.call(request, options).outcome;
  if (outcome.kind === 'failed') throw failureError(outcome, { path, signal: options.signal });
  if (outcome.kind === 'proved' && last) return options.bundle ? bundled(driver, last) : last;
  throw clientError('bad_answer', 'a proof', outcome.kind, { path });
}

/** With all that leads to it from the cell id. */
function bundled({ rules }: Asking, found: Certified): Certified {
  const { genesis, links } = rules;
  return { ...found, proof: encodeBundle({ genesis, links, answer: found.proof }) };
}

/** @throws FattyError `bad_argument` */
function questionBytes(question: ProofQuestion): Uint8Array {
  try {
    return encodeQuestion(question);
  } catch (cause) {
    throw clientError('bad_argument', 'question: a ProofQuestion', String(cause), { cause });
  }
}

async function proveNode(
  driver: Asking,
  question: Extract<ProofQuestion, { kind: 'node' | 'file' }>,
  options: ProveOptions,
): Promise<Certified<FactOf<'node'>> & { readonly node: NodeRecord }> {
  const found = (await prove(driver, question, options)) as Certified<FactOf<'node'>>;
  const { node } = found.fact;
  if (node === undefined) throw missing(question.path, found.fact.head.commit);
  return { ...found, node };
}

/** What is proved is not what was asked for. */
function otherwise(code: string, expected: string, actual: string, path: string): FattyError {
  const failure = { code, expected, actual };
  return new FattyError(failure, { outcome: 'not_applied', retryable: false, path });
}

const missing = (path: string, commit: number): FattyError =>
  otherwise('not_found', 'a live node', `none at commit ${commit}`, path);

/** @throws FattyError `not_found`: it is proved that nothing is there; `not_a_file`… */
export async function certifiedFile(
  driver: Asking,
  path: string,
  options: ProveOptions,
): Promise<FileValue> {
  const found = await proveNode(driver, { kind: 'file', path }, options);
  const { node, contents, proof, fact } = found;
  if (node.body.kind !== 'file') {
    throw otherwise('not_a_file', 'a file', 'a directory', path);
  }
  const siblings = node.body.siblings.map(({ id }, i) => ({
    dot: id,
    content: contents[i] ?? NOTHING,
  }));
  return { ...fileValue(statOf(node), siblings, fact.head.commit), proof };
}

/** @throws FattyError `not_found`: it is proved that nothing is there */
export async function certifiedStat(
  driver: Asking,
  path: string,
  options: ProveOptions,
): Promise<Stat> {
  return statOf((await proveNode(driver, { kind: 'node', path }, options)).node);
}

/** All children, of one state of the directory. @throws FattyError `not_found`, `not_a_directory`… */
export async function certifiedList(
  driver: Asking,
  path: string,
  options: ProveOptions,
): Promise<readonly Entry[]> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const children = await allPages(driver, path, options);
    if (children === undefined) continue;
    children.sort((a, b) => compareBytes(a.name, b.name));
    return children.map(({ name, node }) => ({
      name: fromUtf8(name) ?? '',
      id: node.body.id,
      node: kindOf(node),
    }));
  }
  throw clientError('bad_answer', 'a directory at rest', `${ATTEMPTS_MAX} changes`, { path });
}

/** Undefined: the directory has changed meanwhile. */
async function allPages(
  driver: Asking,
  path: string,
  options: ProveOptions,
): Promise<ProvedChild[] | undefined> {
  const found: ProvedChild[] = [];
  let root: Uint8Array | undefined;
  for (;;) {
    const question = { kind: 'list', path, from: found.length, bytesMax: PAGE_BYTES } as const;
    const { fact } = (await page(driver, question, options)) ?? {};
    if (fact === undefined) return undefined;
    if (fact.node === undefined) throw missing(path, fact.head.commit);
    const { children } = fact.node;
    if (children === undefined) {
      throw otherwise('not_a_directory', 'a directory', 'a file', path);
    }
    if (root !== undefined && !equalBytes(root, children.root)) return undefined;
    root = children.root;
    found.push(...fact.children);
    if (found.length >= fact.total) return found;
  }
}

/** Undefined: the directory has become shorter than what was read of it. */
async function page(
  driver: Asking,
  question: Extract<ProofQuestion, { kind: 'list' }>,
  options: ProveOptions,
): Promise<Certified<FactOf<'list'>> | undefined> {
  try {
    return (await prove(driver, question, options)) as Certified<FactOf<'list'>>;
  } catch (error) {
    const isShorter = error instanceof FattyError && error.expected.endsWith('children');
    if (question.from === 0 || !isShorter) throw error;
    return undefined;
  }
}

/**
 * That a session holds the lock of a path with this generation. @throws FattyError `lock_lost`: it is proved
 * that it does not
 */
export async function fencingCertificate(
  driver: Asking,
  grant: { readonly path: string; readonly session: SessionId; readonly lockGen: Position },
  options: ProveOptions,
): Promise<Uint8Array> {
  const { path, session, lockGen } = grant;
  const terms = { ...options, minPosition: lockGen };
  const { fact, proof } = await prove(driver, { kind: 'claim', path, session }, terms);
  const { held, position } = (fact.kind === 'claim' && fact.claim?.record) || {};
  const isSame = position?.commit === lockGen.commit && position.index === lockGen.index;
  if (isSame && held) return proof;
  throw clientError('lock_lost', 'a held lock', `none at commit ${fact.head.commit}`, { path });
}

function kindOf({ body }: NodeRecord): Entry['node'] {
  return body.slot === 'none' ? body.kind : body.slot;
}

function statOf(node: NodeRecord): Stat {
  const { body, children } = node;
  const [shown] = body.siblings;
  const dies = body.dots.length > 0 && body.dots.every(({ ephemeral }) => ephemeral);
  return {
    id: body.id,
    node: kindOf(node),
    mode: body.mode,
    ephemeral: dies ? body.dots[0]?.id.session : undefined,
    dots: body.dots.map(({ id }) => id),
    instance: body.created?.position,
    contentGen: body.contentGen,
    lockGen: body.lockGen,
    aclGen: body.aclGen,
    checksum: shown?.checksum ?? sha256(NOTHING),
    sizeBytes: shown?.size ?? 0,
    createdTs: body.created?.timeMs ?? 0,
    modifiedTs: body.modified?.timeMs ?? 0,
    owner: body.owner,
    children: children?.count ?? 0,
  };
}
