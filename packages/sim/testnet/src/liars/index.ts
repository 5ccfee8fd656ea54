// How replicas lie: every liar by name.
import { type Ref, signedBlockShape } from '@fatty/broadcast';
import { decode, encode } from '@fatty/codec';
import type { Peer } from '../world/host.ts';
import { copier } from './copier.ts';
import { bend, type Insider, swapParent } from './craft.ts';
import { fork } from './fork.ts';
import { type Outgoing, Puppet, type Trick, toAll } from './puppet.ts';
import { claim } from './speech.ts';
import { stuff } from './stuff.ts';

/** How replicas lie. */
export const LIES = [
  'equivocate',
  'fork',
  'withhold',
  'badSignature',
  'wrongTime',
  'inventParents',
  'garbage',
  'silent',
  'selective',
  'copier',
  'late',
  'twins',
  'mutate',
] as const;
/** `stuff` floods every log of its world, so only worlds made for it have it. */
export type Lie = (typeof LIES)[number] | 'stuff';

export type { Insider } from './craft.ts';
export { Puppet, type Trick } from './puppet.ts';

/** Two chains with one key, each shown to its own half; ops go into one half only. */
function equivocate(insider: Insider): Trick {
  let twin: Ref | undefined;
  return {
    craft(puppet, draft) {
      const half = Math.ceil(puppet.others.length / 2);
      const parents = twin ? swapParent(draft.header.parents, 0, twin) : draft.header.parents;
      const header = { parents, ts: draft.header.ts + 1 };
      const other = bend(insider, draft, header, { batches: puppet.batches.splice(0, 1) });
      const [left, right] = [puppet.others.slice(0, half), puppet.others.slice(half)];
      const first = { bytes: draft.bytes, to: left };
      puppet.accept(draft.bytes);
      twin = puppet.accept(other);
      insider.lied('equivocate');
      return [first, { bytes: other, to: right }];
    },
  };
}

/** Every third own block is shown to one other only (now and then to nobody); requests go unanswered. */
function withhold(insider: Insider): Trick {
  return {
    craft(puppet, draft) {
      if (draft.header.round % 3 !== 0) return [toAll(puppet, draft.bytes)];
      insider.lied('withhold');
      const to = insider.rng.chance(50) ? [] : [insider.rng.pick(puppet.others)];
      return [{ bytes: draft.bytes, to }];
    },
    serves: () => false,
  };
}

/** A good block under a bad signature, or with another body, every second time. */
function badSignature(insider: Insider): Trick {
  return {
    craft(puppet, draft) {
      const signed = decode(signedBlockShape, draft.bytes, draft.bytes.length);
      if (!signed.ok || insider.rng.chance(500)) return [toAll(puppet, draft.bytes)];
      insider.lied('badSignature');
      const part = insider.rng.chance(500) ? signed.value.sig : signed.value.body;
      const at = insider.rng.below(part.length);
      const bytes = encode(signedBlockShape, signed.value);
      // `part` views the decoded input: flip the byte in a copy of the whole message.
      const start = bytes.length - signed.value.body.length - (part === signed.value.sig ? 66 : 0);
      bytes[start + at] = (bytes[start + at] ?? 0) ^ 1;
      return [toAll(puppet, bytes)];
    },
  };
}

/** Time stamps an hour ahead, before the own parent, or as old as is still valid. */
function wrongTime(insider: Insider): Trick {
  const HOUR_MS = 3_600_000;
  let lastMs = insider.cell.committee.genesisTs;
  return {
    craft(puppet, draft) {
      const die = insider.rng.below(4);
      if (die === 0) {
        lastMs = draft.header.ts;
        return [toAll(puppet, draft.bytes)];
      }
      insider.lied('wrongTime');
      if (die === 1) return [toAll(puppet, bend(insider, draft, { ts: lastMs }))];
      const ts = die === 2 ? draft.header.ts + HOUR_MS : Math.max(0, lastMs - HOUR_MS);
      // The bent one is shown, the chain goes on from the honest one.
      return [{ bytes: draft.bytes, to: [] }, toAll(puppet, bend(insider, draft, { ts }))];
    },
  };
}

/** Parents that do not exist: its own just below, another author's, or far too many rounds down. */
function inventParents(insider: Insider): Trick {
  return {
    craft(puppet, draft) {
      if (draft.header.round < 3 || insider.rng.chance(400)) return [toAll(puppet, draft.bytes)];
      insider.lied('inventParents');
      const at = insider.rng.below(draft.header.parents.length);
      const parent = draft.header.parents[at] as Ref;
      const digest = insider.rng.bytes(32) as Ref['digest'];
      const round = at === 0 ? insider.rng.between(1, draft.header.round - 1) : parent.round;
      const parents = swapParent(draft.header.parents, at, { ...parent, round, digest });
      const bent = toAll(puppet, bend(insider, draft, { parents }));
      // Now and then it builds on what does not exist, and nobody can ever complete its chain.
      return insider.rng.chance(20) ? [bent] : [{ bytes: draft.bytes, to: [] }, bent];
    },
    extra(puppet, event) {
      if (event.kind !== 'message' || !insider.rng.chance(20)) return [];
      const round = puppet.dag.highestRound + insider.rng.below(100_000);
      return [{ kind: 'send', peer: event.peer, bytes: claim(round, round), priority: 1 }];
    },
  };
}

/** Random bytes, and good messages with one byte changed or the end cut off. */
function garbage(insider: Insider): Trick {
  const { rng } = insider;
  return {
    extra(puppet, event) {
      if (event.kind !== 'message' || !rng.chance(300)) return [];
      insider.lied('garbage');
      const bytes = rng.chance(300) ? rng.bytes(rng.between(0, 300)) : event.bytes.slice();
      const at = rng.below(bytes.length);
      if (bytes.length > 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << rng.below(8));
      const cut = rng.chance(200) ? bytes.subarray(0, rng.below(bytes.length)) : bytes;
      return [{ kind: 'send', peer: rng.pick(puppet.others), bytes: cut, priority: 1 }];
    },
  };
}

/** Its blocks reach just enough others to be voted for, never the same ones. */
function selective(insider: Insider): Trick {
  return {
    craft(puppet, draft) {
      insider.lied('selective');
      const few = insider.rng.shuffle(puppet.others).slice(0, insider.cell.faultsMax + 1);
      return [{ bytes: draft.bytes, to: few }];
    },
    serves: () => insider.rng.chance(300),
  };
}

/**
 * Never equivocates, answers everything, and is always late: each block reaches just enough others to
 * be voted for, and the rest with its next one. Its slots get neither votes nor blames in time.
 */
function late(insider: Insider): Trick {
  const held: Outgoing[] = [];
  return {
    craft(puppet, draft) {
      insider.lied('late');
      const first = draft.header.round % puppet.others.length;
      const turned = [...puppet.others.slice(first), ...puppet.others.slice(0, first)];
      const enough = insider.cell.faultsMax + 1;
      const outgoing = [{ bytes: draft.bytes, to: turned.slice(0, enough) }, ...held.splice(0)];
      held.push({ bytes: draft.bytes, to: turned.slice(enough) });
      return outgoing;
    },
  };
}

const TRICKS: {
  readonly [L in Exclude<Lie, 'silent' | 'twins' | 'mutate'>]: (insider: Insider) => Trick;
} = {
  equivocate,
  fork,
  withhold,
  badSignature,
  wrongTime,
  inventParents,
  garbage,
  selective,
  stuff,
  copier,
  late,
};

/** A lying replica: a program of its own, not a setting of the honest one. */
export function makeLiar(lie: Exclude<Lie, 'twins' | 'mutate'>, insider: Insider): Peer {
  if (lie !== 'silent') return new Puppet(insider, TRICKS[lie](insider));
  return {
    step(event) {
      if (event.kind === 'message') insider.lied('silent');
      return [];
    },
  };
}
