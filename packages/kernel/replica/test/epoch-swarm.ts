// Test helper: a cell whose members change at random while they crash, and a judge of what it did.
import { openBlock, type Ref, refKey } from '@fatty/broadcast';
import { toHex } from '@fatty/codec';
import { type Change, faultsMax, openVote, signReady } from '@fatty/protocol';
import { read } from './forge.ts';
import { Client, commitsAgree, type Host, makeCell, scheme, World } from './world.ts';

const JOINERS = 4;
const STEPS = 60;

/** What a run came to. */
export interface Report {
  readonly flaws: readonly string[];
  readonly epochs: number;
  readonly commits: number;
  readonly members: number;
  readonly crashes: number;
}

/** One run; everything in it follows from the seed. */
export class EpochSwarm {
  readonly world: World;
  readonly #flaws: string[] = [];
  /** By key, epoch and round: the block that was sent. */
  readonly #slots = new Map<string, string>();
  /** By host and commit: the vote that was sent. */
  readonly #votes = new Map<string, string>();
  readonly #joined = new Set<number>();
  #crashes = 0;
  #ops = 0;

  constructor(seed: number, loses = false) {
    const n = 4 + (seed % 4);
    const joiners = Array.from({ length: JOINERS }, (_, i) =>
      scheme.signer(new Uint8Array(32).fill(60 + i)),
    );
    const windows = { checkpointCommits: 3, supportRoundsMax: 24, horizonRounds: 30 };
    this.world = new World({
      cell: makeCell(n, windows),
      joiners,
      seed,
      tuning: { logKeptBytesMin: 0, logKeptBytesMax: 1 << 30 },
      copying: { bytesMin: 20_000, chunkBytes: 1_024 },
      delayMs: (random) => 1 + random.below(20),
      syncMs: (random) => 1 + random.below(5),
      ...(loses && { loses: (random) => random.below(100) === 0 }),
    });
    this.world.onSend = (from, _to, bytes) => this.#see(from, bytes);
    for (let i = 0; i < n; i++) this.#joined.add(i);
  }

  run(): Report {
    const { world } = this;
    world.start();
    for (let step = 0; step < STEPS; step++) {
      world.run(50 + world.random.below(400));
      this.#act();
    }
    this.#heal();
    this.#judge();
    const tip = this.#tip;
    const { epoch, commitIndex: commits } = tip.replica.status();
    const members = tip.epoch.committee.members.length;
    return { flaws: this.#flaws, epochs: epoch, commits, members, crashes: this.#crashes };
  }

  /** The host that is furthest. */
  get #tip(): Host {
    const up = this.world.hosts.filter(({ index, removed }) => this.#joined.has(index) && !removed);
    const order = (host: Host): number => host.replica.status().commitIndex;
    return up.sort((a, b) => order(b) - order(a))[0] ?? this.world.host(0);
  }

  /** Hosts that are members by what the furthest knows. */
  get #members(): readonly Host[] {
    const { epoch } = this.#tip;
    return this.world.hosts.filter(({ index }) => this.world.placeOf(index, epoch) >= 0);
  }

  #act(): void {
    const { world } = this;
    const dice = world.random.below(10);
    const members = this.#members;
    const host = members[world.random.below(members.length)] ?? world.host(0);
    if (dice < 4) {
      const client = new Client(world.options.cell, `c${this.#ops++}`);
      if (host.up) world.submit(host.index, client.op('x'));
    } else if (dice < 6) this.#crash(host);
    else if (dice < 8) this.#move(this.#change());
    else this.#join();
  }

  /** At most f are down at a time. */
  #crash(host: Host): void {
    const { world } = this;
    if (!host.up) return this.#restart(host);
    const down = this.#members.filter(({ up }) => !up).length;
    if (down >= faultsMax(this.#tip.epoch.committee)) return;
    this.#crashes += 1;
    world.kill(host.index, world.random.below(3));
  }

  #restart(host: Host): void {
    if (this.#joined.has(host.index) && !host.removed) this.world.restart(host.index);
  }

  #change(): Change {
    const { world } = this;
    const { members } = this.#tip.epoch.committee;
    const outside = world.signers.filter((_, index) => world.placeOf(index, this.#tip.epoch) < 0);
    const key = outside[world.random.below(Math.max(1, outside.length))]?.publicKey;
    const old = members[world.random.below(members.length)];
    const dice = world.random.below(4);
    if (key && dice === 0) return { kind: 'add', key };
    if (key && old && dice === 1) return { kind: 'replace', old, key };
    if (old && dice === 2) return { kind: 'remove', old };
    return { kind: 'renew' };
  }

  #move(change: Change): void {
    const { world } = this;
    for (const host of this.#members) {
      if (world.random.below(8) > 0) world.event(host, { kind: 'move', change, tag: 0 });
    }
    if (!('key' in change)) return;
    const { epoch, commitIndex: index } = this.#tip.replica.status();
    const signer = world.signers.find(({ publicKey }) => publicKey === change.key);
    if (signer === undefined) return;
    const bytes = signReady(world.options.cell.cellId, signer, { epoch, index });
    world.after(300, () => {
      for (const host of this.#members) world.event(host, { kind: 'statement', bytes, tag: 0 });
    });
  }

  /** Members that have not begun do so behind what the furthest has on its disk. */
  #join(): void {
    for (const host of this.#members) {
      // Who was put out and comes again begins like anybody who comes.
      if (this.#joined.has(host.index) && !host.removed) continue;
      const frame = this.#tip.frames.findLast((one) => this.#isLastOfItsEpoch(one.index));
      if (frame === undefined) continue;
      host.frames = [frame];
      host.removed = false;
      this.#joined.add(host.index);
      this.world.restart(host.index);
    }
  }

  /** Frames of other hosts are of use only where an epoch ended: others say whose they are. */
  #isLastOfItsEpoch(index: number): boolean {
    return this.#tip.epoch.origin.index === index;
  }

  #heal(): void {
    const { world } = this;
    const isLevel = (): boolean => {
      const tips = this.#members.map(({ replica, up }) => (up ? replica.status().commitIndex : -1));
      return new Set(tips).size === 1;
    };
    for (let round = 0; round < 30; round++) {
      for (const host of this.#members) if (!host.up) this.#restart(host);
      this.#join();
      const client = new Client(world.options.cell, `h${round}`);
      world.submit(this.#tip.index, client.op('last'));
      world.run(5_000);
      if (round > 1 && isLevel()) return;
    }
    const at = this.#members.map(({ index, up, replica }) => {
      const { epoch, commitIndex, round, observer } = replica.status();
      return `h${index} ${up ? 'up' : 'down'} ${epoch}/${commitIndex}/${round} ${observer?.code ?? ''}`;
    });
    this.#flaws.push(`L4, L6: members do not come together: ${at.join(', ')}`);
  }

  #see(from: number, bytes: Uint8Array): boolean {
    const message = read(bytes);
    if (message.kind === 'push') {
      const block = openBlock(message.block, message.block.length);
      if (block.ok) this.#seeBlock(from, block.value.header.epoch, block.value.ref);
    }
    if (message.kind === 'vote') {
      const vote = openVote(message.vote.core);
      if (vote.ok)
        this.#one(this.#votes, `S9: vote of h${from} on ${vote.value.index}`, message.vote.core);
    }
    return true;
  }

  /** It is of an epoch that has ended, or below the horizon: what was not committed never will be. */
  #isOver(ref: Ref): boolean {
    const { epoch, horizon } = this.#tip.replica.status();
    const names = Array.from({ length: epoch + 1 }, (_, e) => `${e}/${refKey(ref)}`);
    const at = names.findIndex((name) => this.world.hosts.some(({ kv }) => kv.has(name)));
    return at < epoch || ref.round <= horizon;
  }

  #seeBlock(
    from: number,
    epoch: number,
    { author, round, digest }: { author: number; round: number; digest: Uint8Array },
  ): void {
    const host = this.world.host(from);
    if (author !== this.world.placeOf(from, host.epoch)) return;
    this.#one(this.#slots, `S1: block of h${from} in ${epoch}/${round}`, digest);
  }

  #one(known: Map<string, string>, name: string, bytes: Uint8Array): void {
    const before = known.get(name);
    if (before !== undefined && before !== toHex(bytes)) this.#flaws.push(`${name}: two`);
    known.set(name, toHex(bytes));
  }

  #judge(): void {
    const { hosts } = this.world;
    if (!commitsAgree(hosts)) this.#flaws.push('S4: two commit sequences');
    const committed = new Set(
      hosts.flatMap(({ committed: all }) =>
        all.flatMap(({ commit }) => commit.blocks.map(({ digest }) => toHex(digest))),
      ),
    );
    const lost = hosts.flatMap(({ delivered }) =>
      delivered.filter((ref) => !committed.has(toHex(ref.digest)) && this.#isOver(ref)),
    );
    if (lost.length > 0) this.#flaws.push(`S8: ${lost.length} delivered, never committed`);
    const roots = new Set(
      this.#members
        .filter(({ replica }) => replica.status().commitIndex === this.#tip.commitIndex)
        .map(({ replica }) => toHex(replica.machine.root())),
    );
    if (roots.size > 1) this.#flaws.push('S5: two states of one commit');
    if (hosts.some(({ diverged, halts }) => diverged.length + halts.length > 0))
      this.#flaws.push('diverged or halted');
  }
}
