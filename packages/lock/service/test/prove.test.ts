// Proofs of what is committed, checked as a client would that knows the root alone.
import { decode, encode, equalBytes, toHex, utf8 } from '@fatty/codec';
import {
  checkClaim,
  checkContents,
  checkKept,
  checkList,
  checkNode,
  encodeQuestion,
  isKept,
  nodeProofShape,
  openProved,
  PROOF_BYTES_MAX,
  type ProofQuestion,
} from '@fatty/verify';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DIRECTORIES, FILES, Life, step } from './life.ts';
import { Client, op, World } from './world.ts';

/** What a node's record says of it, by what is answered. */
const SLOTS = new Map([
  ['machine', 'machine'],
  ['job', 'job'],
]);
/** Everybody waits for its lock, to begin with. */
const QUEUED = '/queued';
const PATHS = [
  QUEUED,
  '/',
  ...DIRECTORIES,
  ...FILES,
  '/m',
  '/j',
  '/none',
  '/d/none',
  '/f/below',
  '/none/below/it',
];

function must<T>(outcome: { ok: true; value: T } | { ok: false; failure: unknown }): T {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.failure));
  return outcome.value;
}

/** What is proved of a path is what is answered of it. */
function checkPath({ world }: Life, path: string): void {
  const { service } = world;
  const proof = must(service.prove({ kind: 'node', path }));
  const { node, head } = must(checkNode(service.root(), path, proof));
  expect(head.commit).toBe(world.commit);
  const stat = world.ask({ kind: 'stat', path });
  if (stat.kind !== 'stat') {
    expect(node).toBeUndefined();
    return;
  }
  if (node === undefined) throw new Error(`${path} is there`);
  expect(node.body.id).toEqual(stat.stat.id);
  expect(node.body.contentGen).toEqual(stat.stat.contentGen);
  expect(node.body.slot).toBe(SLOTS.get(stat.stat.node) ?? 'none');
  expect(node.children?.count ?? 0).toBe(stat.stat.children);
  const value = world.ask({ kind: 'get', path });
  if (value.kind !== 'value') return;
  const contents = value.siblings.map(({ content }) => content);
  expect(checkContents(node, contents).ok).toBe(true);
  expect(checkContents(node, [...contents, utf8('more')]).ok).toBe(false);
  if (contents.length > 0) expect(checkContents(node, contents.slice(1)).ok).toBe(false);
}

/** A listing in pages of one to three children has every child once. */
function checkListing({ world }: Life, path: string, bytesMax: number): number {
  const { service } = world;
  const names: string[] = [];
  let pages = 0;
  for (let from = 0, total = 1; from < total; pages++) {
    const proof = must(service.prove({ kind: 'list', path, from, bytesMax }));
    const shown = must(checkList(service.root(), path, proof));
    expect(shown.from).toBe(from);
    names.push(...shown.children.map(({ name }) => Buffer.from(name).toString()));
    from += shown.children.length;
    total = shown.total;
  }
  const list = world.ask({ kind: 'list', path, after: undefined, limit: 1_000 });
  const expected = list.kind === 'list' ? list.entries.map(({ name }) => name) : [];
  expect([...names].sort()).toEqual([...expected].sort());
  return pages;
}

function checkClaimOf({ world }: Life, path: string, { session }: Client): string {
  const { service } = world;
  const proof = must(service.prove({ kind: 'claim', path, session }));
  const { claim } = must(checkClaim(service.root(), path, session, proof));
  const lock = world.ask({ kind: 'lock', path });
  const isOwn = (party: { session: Uint8Array }): boolean => equalBytes(party.session, session);
  const [holders, waiters] = lock.kind === 'lock' ? [lock.holders, lock.waiters] : [[], []];
  const party = [...holders, ...waiters].find(isOwn);
  expect(claim?.record.position).toEqual(party?.position);
  expect(claim?.record.held ?? false).toBe(holders.some(isOwn));
  if (claim === undefined) return 'no claim';
  expect(toHex(claim.session.client)).toBe(toHex(party?.client ?? claim.session.id));
  expect(claim.session.expiry).toBe(party?.leaseExpiry);
  return claim.record.held ? 'held' : 'waiting';
}

/** Everybody asks for one lock. */
function queue({ world, clients }: Life): void {
  const made = clients.slice(0, 1).map((client) => client.batch(op.file(QUEUED)));
  world.step(0, [...made, ...clients.map((client) => client.batch(op.acquire(QUEUED)))]);
}

test('what is there, what is not, who holds: every proof says what the service answers', () => {
  const reached = new Map<string, number>();
  const count = (what: string, by = 1): void => {
    reached.set(what, by + (reached.get(what) ?? 0));
  };
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 12, size: 'max' }), (steps) => {
      const life = new Life();
      queue(life);
      for (const one of steps) {
        life.step(one);
        for (const path of PATHS) {
          checkPath(life, path);
          count('pages', checkListing(life, path, 700));
          for (const client of life.clients) count(checkClaimOf(life, path, client));
        }
      }
    }),
    { numRuns: 15 },
  );
  const wanted = { pages: 500, held: 10, waiting: 10, 'no claim': 1_000 };
  const few = Object.entries(wanted).filter(([what, least]) => (reached.get(what) ?? 0) < least);
  expect(few).toEqual([]);
});

test('a proof of which any byte is changed shows nothing, and neither does one for another root or path', () => {
  const life = new Life();
  fc.assert(
    fc.property(step, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, flip) => {
      life.step(one);
      const { service } = life.world;
      const root = service.root();
      for (const path of PATHS) {
        const proof = must(service.prove({ kind: 'list', path, from: 0, bytesMax: 700 }));
        const changed = Uint8Array.from(proof);
        changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ flip;
        expect(checkList(root, path, changed).ok).toBe(false);
        for (const client of life.clients) {
          const claim = must(service.prove({ kind: 'claim', path, session: client.session }));
          const bad = Uint8Array.from(claim);
          bad[at % bad.length] = (bad[at % bad.length] ?? 0) ^ flip;
          expect(checkClaim(root, path, client.session, bad).ok).toBe(false);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('a proof of a path has one form: with a record or a step more it shows nothing', () => {
  const { world } = new Life();
  const { service } = world;
  for (const path of ['/', '/none', '/none/below/it']) {
    const bytes = must(service.prove({ kind: 'node', path }));
    const proof = must(decode(nodeProofShape, bytes, PROOF_BYTES_MAX));
    const { records, steps } = proof.path;
    const more = [
      { records: [...records, utf8('more')], steps },
      { records, steps: [...steps, utf8('more')] },
    ];
    for (const longer of more) {
      const other = encode(nodeProofShape, { ...proof, path: longer });
      expect(checkNode(service.root(), path, other)).toMatchObject({
        failure: { code: 'bad_proof' },
      });
    }
  }
});

test('a receipt that is kept is proved, and no other', () => {
  const life = new Life();
  const [client] = life.clients;
  if (client === undefined) throw new Error('a client');
  const { service } = life.world;
  const sent = client.batch();
  const { raw } = life.world.step(0, [sent]);
  const [receipt] = raw.receipts;
  if (receipt === undefined) throw new Error('a receipt');
  const { session, seq, batch, commit, results } = receipt;
  const proof = must(service.prove({ kind: 'receipts', session, seq }));
  const kept = { seq, batch, commit, results };
  const proved = must(checkKept(service.root(), { session, seq }, proof));
  expect(isKept(proved, kept)).toBe(true);
  expect(isKept(proved, { ...kept, results: [utf8('another')] })).toBe(false);
  expect(isKept(proved, { ...kept, commit: commit + 1 })).toBe(false);
});

const FILE: ProofQuestion = { kind: 'file', path: '/f' };
const asked = (question: ProofQuestion): Uint8Array => encodeQuestion(question);

test('a state can be proved until something other than time changes it', () => {
  const world = new World();
  const client = new Client(1);
  world.open(client, op.file('/f', 'one'), op.acquire('/f'));
  const { service, commit } = world;
  const root = service.root();
  const then = service.provable();
  for (let i = 0; i < 3; i++) world.step(100);
  expect(service.root()).not.toEqual(root);
  const { proof, contents } = must(openProved(must(then.prove(asked(FILE)) ?? fail())));
  const { head, node } = must(checkNode(root, '/f', proof));
  expect(head.commit).toBe(commit);
  expect(contents).toEqual([utf8('one')]);
  expect(node && checkContents(node, contents).ok).toBe(true);
  const questions: ProofQuestion[] = [
    { kind: 'list', path: '/', from: 0, bytesMax: 2 ** 32 - 1 },
    { kind: 'claim', path: '/f', session: client.session },
    { kind: 'receipts', session: client.session, seq: 0 },
  ];
  for (const question of questions) {
    expect(must(openProved(must(then.prove(asked(question)) ?? fail()))).contents).toEqual([]);
  }
  world.one(client, op.write('/f', 'two'));
  expect(then.prove(asked(FILE))).toBeUndefined();
});

test('what ends by the clock alone is a change, and so is another state that is put in', () => {
  const world = new World();
  const client = new Client(1);
  world.open(client, op.file('/f', 'one'));
  const { service } = world;
  const snapshot = service.snapshot();
  const then = service.provable();
  service.restore(snapshot);
  expect(then.prove(asked(FILE))).toBeUndefined();
  const living = service.provable();
  let steps = 0;
  while (service.hasSession(client.signer.publicKey) && steps++ < 100) world.step(1_000);
  expect(service.hasSession(client.signer.publicKey)).toBe(false);
  expect(living.prove(asked(FILE))).toBeUndefined();
});

test('a question that is none, or about what is not there, is refused', () => {
  const world = new World();
  world.open(new Client(1), op.dir('/d'));
  const then = world.service.provable();
  const codes = [
    then.prove(utf8('no question')),
    then.prove(asked({ kind: 'list', path: '/', from: 9, bytesMax: 1 })),
    then.prove(asked({ kind: 'node', path: 'no path' })),
  ].map((outcome) => outcome?.ok === false && outcome.failure.code);
  expect(codes).toEqual(['malformed', 'out_of_range', 'bad_path']);
});

function fail(): never {
  throw new Error('the state is the same');
}
