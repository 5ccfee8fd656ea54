// Tests of members that move.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compareBytes, type Signer } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import { LiveLinks } from '@fatty/host';
import type { Link, LinkHandler, PublicKey } from '@fatty/interface';
import { admitOnly, type LinkIdentity, type Listener, listen } from '@fatty/network';
import {
  type Cell,
  cellIdOf,
  DEFAULT_PARAMS,
  type Hint,
  parseCell,
  type SignedAddresses,
  signAddresses,
  writeCell,
} from '@fatty/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AddressBook } from '../src/address-book.ts';
import { loadConfig, type NodeConfig } from '../src/index.ts';
import { Members } from '../src/members.ts';

const scheme = nodeScheme();
const signers = [1, 2, 3, 4]
  .map((n) => scheme.signer(new Uint8Array(32).fill(n)))
  .sort((a, b) => compareBytes(a.publicKey, b.publicKey));
const signerOf = (i: number): Signer => signers[i] as Signer;
const keys = signers.map(({ publicKey }) => publicKey);
const committee = { epoch: 0, members: keys, genesisTs: 1, params: DEFAULT_PARAMS };
const cellId = cellIdOf(committee);
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../edge/network/test/fixtures/${name}.pem`, import.meta.url));

let dir: string;
const open: (() => unknown)[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fatty-members-'));
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
  rmSync(dir, { recursive: true, force: true });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A replica without a replica: a port, links, and the word of where it is. */
class Place {
  readonly linked = new LiveLinks<string>();
  readonly lonely: boolean[] = [];
  readonly whys: string[] = [];
  readonly members: Members;
  readonly i: number;
  listener: Listener | undefined;
  readonly #tls: boolean;
  readonly #identity: LinkIdentity;
  #ticking: NodeJS.Timeout | undefined;

  constructor(i: number, cell: Cell, tls: boolean) {
    this.i = i;
    this.#tls = tls;
    const signer = signerOf(i);
    const admit = admitOnly(keys.filter((_, k) => k !== i));
    this.#identity = { cellId, epoch: () => 0, role: 'replica', signer, scheme, admit };
    this.members = new Members({
      cell,
      members: keys,
      path: join(dir, `${i}.json`),
      identity: this.#identity,
      config: configOf(tls),
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
      handler: this.#handler('us'),
      onNews: (_peer, _url, why) => this.whys.push(why ?? 'linked'),
      onMoved: () => undefined,
      onLonely: (lonely) => this.lonely.push(lonely),
    });
  }

  #handler(dialledBy: 'us' | 'them'): LinkHandler {
    const name = (link: Link): string =>
      `${keys.findIndex((key) => !compareBytes(key, link.peer))}`;
    return {
      up: (link) => {
        this.linked.add(name(link), link);
        this.members.linked(link, dialledBy);
      },
      message: (link, bytes) => void this.members.message(link, bytes),
      down: (link) => {
        this.linked.remove(name(link), link);
        this.members.unlink(link);
      },
    };
  }

  async listen(): Promise<Listener> {
    const files = { certFile: fixture('localhost.cert'), keyFile: fixture('localhost.key') };
    const handler = this.#handler('them');
    this.listener = await listen({
      port: 0,
      identity: this.#identity,
      handler,
      ...(this.#tls ? { tls: files } : {}),
    });
    open.push(() => this.close());
    return this.listener;
  }

  start(): void {
    this.members.open({ peer: this.listener?.url ?? '', client: '', http: '' });
    this.#ticking = setInterval(() => this.members.tick(), 20);
  }

  async close(): Promise<void> {
    clearInterval(this.#ticking);
    this.members.close();
    await this.listener?.close();
  }

  whereIs(i: number): string | undefined {
    const found = this.members.cell.addresses.find(({ key }) => !compareBytes(key, keys[i] ?? key));
    return found?.peer;
  }
}

function configOf(tls: boolean): NodeConfig {
  const files = {
    tlsCert: fixture('localhost.cert'),
    tlsKey: fixture('localhost.key'),
    tlsCa: fixture('root.cert'),
  };
  const config = loadConfig({ dir, ...(tls ? files : {}) }, {});
  if (!config.ok) throw new Error(config.failure.code);
  return config.value;
}

const EMPTY: Cell = { cellId, committee, addresses: [] };

/** All four up, found through hints that say `ws`. */
async function cellOf(tls = false): Promise<Place[]> {
  const hints: Hint[] = [];
  const places = keys.map((key, i) => {
    const place = new Place(i, { ...EMPTY, hints }, tls);
    return { place, key };
  });
  for (const { place, key } of places) {
    const { port } = await place.listen();
    hints.push({ key, peer: `ws://127.0.0.1:${port}`, client: '' });
  }
  for (const { place } of places) place.start();
  const all = places.map(({ place }) => place);
  await until(() => all.every(({ linked }) => linked.names.length === 3));
  return all;
}

describe('members', () => {
  it('find each other by hints, and one that has moved without copying files', async () => {
    const all = await cellOf();
    const old = all[3] as Place;
    const others = all.slice(0, 3);
    const before = old.listener?.url;
    await until(() => others.every((one) => one.whereIs(3) === before));
    await old.close();
    // Its key is the largest, so it dials nobody, and the others dial where it was.
    const hints = others.map(({ i, listener }) => ({
      key: keys[i] as Hint['key'],
      peer: listener?.url ?? '',
      client: '',
    }));
    const moved = new Place(3, { ...EMPTY, hints }, false);
    const { url } = await moved.listen();
    expect(url).not.toBe(before);
    moved.start();
    await until(() =>
      others.every((one) => one.whereIs(3) === url && one.linked.get('3') !== undefined),
    );
    await until(() => others.every((one) => moved.whereIs(one.i) === one.listener?.url));
    // It is remembered for the next start.
    for (const { i } of others) expect(readFileSync(join(dir, `${i}.json`), 'utf8')).toContain(url);
    expect(new Place(0, EMPTY, false).whereIs(3)).toBe(url);
  });

  it('that have certificates find each other by addresses from before they had', async () => {
    const all = await cellOf(true);
    await until(() => all.every((one) => all.every(({ i }) => one.whereIs(i)?.startsWith('wss:'))));
  });

  it('say when they have nobody to talk to, and when they have again', async () => {
    const alone = new Place(0, { ...EMPTY, hints: [] }, false);
    const { url } = await alone.listen();
    alone.start();
    await until(() => alone.lonely.length === 1);
    const hints = [{ key: keys[0] as Hint['key'], peer: url, client: '' }];
    const other = new Place(1, { ...EMPTY, hints }, false);
    await other.listen();
    other.start();
    await until(() => alone.lonely.length === 2);
    expect(alone.lonely).toEqual([true, false]);
  });
});

describe('the address book', () => {
  let nowMs = 0;
  const clock = { nowMs: () => 7_000, monotonicMs: () => nowMs };
  const bookOf = (cell: Cell = EMPTY): AddressBook =>
    new AddressBook({
      cell,
      members: keys,
      path: join(dir, 'book.json'),
      scheme,
      signer: signerOf(0),
      clock,
    });
  const at = (peer: string, version?: number) => ({
    peer,
    client: '',
    http: '',
    ...(version === undefined ? {} : { version }),
  });
  const says = (i: number, peer: string, version: number): SignedAddresses =>
    signAddresses(cellId, signerOf(i), at(peer, version));

  it('takes the hints of a cell.json that was read again', () => {
    const book = bookOf();
    expect(book.contacts).toEqual([]);
    const hints = [{ key: keys[2] as Hint['key'], peer: 'ws://a', client: 'ws://b' }];
    expect(book.update({ ...EMPTY, hints })).toBe(false);
    expect(book.contacts).toEqual(hints);
    // One without any takes none away.
    book.update(EMPTY);
    expect(book.contacts).toEqual(hints);
  });

  it('takes the newest signed word of each member, and keeps it', () => {
    nowMs = 0;
    const book = bookOf();
    const first = says(1, 'ws://a', 5);
    expect(book.learn([first])).toEqual([first]);
    nowMs = 10_000;
    const forged = { ...says(1, 'ws://evil', 9), peer: 'ws://forged' };
    const stranger = signAddresses(
      cellId,
      scheme.signer(new Uint8Array(32).fill(9)),
      at('ws://s', 9),
    );
    const other = signAddresses(
      cellIdOf({ ...committee, genesisTs: 2 }),
      signerOf(2),
      at('ws://o', 9),
    );
    for (const bad of [forged, stranger, other, first, says(1, 'ws://old', 4)]) {
      expect(book.learn([bad])).toEqual([]);
    }
    const second = says(1, 'ws://b', 6);
    expect(book.learn([second])).toEqual([second]);
    expect(bookOf({ ...EMPTY, addresses: [first] }).cell.addresses).toEqual([second]);
  });

  it('goes by the members of now: who comes counts, who goes is forgotten, and itself it knows', () => {
    nowMs = 0;
    const book = bookOf();
    const newcomer = scheme.signer(new Uint8Array(32).fill(9));
    const there = signAddresses(cellId, newcomer, at('ws://new', 3));
    const own = book.publish(at('ws://here'));
    book.learn([says(1, 'ws://a', 5)]);
    expect(book.learn([there])).toEqual([]);
    const isKept = (key: PublicKey): boolean =>
      key !== signerOf(0).publicKey && key !== signerOf(1).publicKey;
    book.enter([...keys.filter(isKept), newcomer.publicKey]);
    expect(book.learn([there])).toEqual([there]);
    expect(book.learn([says(1, 'ws://again', 6)])).toEqual([]);
    expect(new Set(book.cell.addresses)).toEqual(new Set([there, own]));
    // The genesis committee is the trust root for ever.
    expect(book.cell.committee).toEqual(committee);
    const read = parseCell(writeCell(book.cell), scheme);
    expect(read.ok && new Set(read.value.addresses.map(({ peer }) => peer))).toEqual(
      new Set(['ws://new', 'ws://here']),
    );
  });

  it('takes only some new words a second of a member', () => {
    nowMs = 0;
    const book = bookOf();
    const taken = (from: number): number =>
      [0, 1, 2, 3, 4, 5, 6].filter((k) => book.learn([says(1, `ws://${k}`, from + k)]).length > 0)
        .length;
    expect(taken(10)).toBe(4);
    expect(book.learn([says(2, 'ws://c', 5)])).toHaveLength(1);
    nowMs = 1_000;
    expect(taken(20)).toBe(4);
  });

  it('signs its own anew only when it is another, and outbids a later word of itself', () => {
    const book = bookOf();
    const own = book.publish(at('ws://here'));
    expect(own.version).toBe(7_000);
    expect(book.publish(at('ws://here'))).toBe(own);
    expect(bookOf().publish(at('ws://here'))).toEqual(own);
    expect(book.outbid([own])).toBe(undefined);
    const later = says(0, 'ws://lost', 9_999);
    expect(book.learn([later])).toEqual([]);
    expect(book.outbid([{ ...later, peer: 'ws://forged' }])).toBe(undefined);
    expect(book.outbid([later])).toMatchObject({ peer: 'ws://here', version: 10_000 });
  });

  it('does without its file when that is damaged', () => {
    for (const text of ['', '{', '[1, {}]', '{"a": 1}', JSON.stringify([{ key: 'ff' }])]) {
      writeFileSync(join(dir, 'book.json'), text);
      expect(bookOf().cell.addresses).toEqual([]);
    }
  });
});
