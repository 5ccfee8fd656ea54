// Test helper: watches the effects of replicas.
import { type Block, type Checked, checkBlock, refKey } from '@fatty/broadcast';
import { ACCEPT, ok } from '@fatty/codec';
import type { Verdict } from '@fatty/interface';
import { decodeMessage, type PeerMessage } from '../src/index.ts';
import { type Host, type makeCell, scheme, type World } from './world.ts';

const MAX = 1 << 21;

function blocksIn(message: PeerMessage): readonly Uint8Array[] {
  if (message.kind === 'push') return [message.block];
  return message.kind === 'blocks' || message.kind === 'rounds' ? message.blocks : [];
}

const opened = new WeakMap<Uint8Array, Block>();

export function open(cell: ReturnType<typeof makeCell>, bytes: Uint8Array): Block {
  const known = opened.get(bytes);
  if (known) return known;
  const { committee, cellId } = cell;
  const rules = { committee, cellId, scheme, open: ok, validate: (): Verdict => ACCEPT };
  const checked: Checked = checkBlock(bytes, rules);
  if (checked.kind !== 'accept') throw new Error(checked.code);
  opened.set(bytes, checked.block);
  return checked.block;
}

/** Watches the wire: which own blocks left, and whether they and their parents were durable. */
export function watch(world: World): {
  slots: Map<string, string>;
  sent: number;
  broken: string[];
} {
  const seen = { slots: new Map<string, string>(), sent: 0, broken: [] as string[] };
  const durable = world.hosts.map(() => ({ upTo: -1, keys: new Set<string>() }));
  const durableOf = (host: Host): Set<string> => {
    const state = durable[host.index] as { upTo: number; keys: Set<string> };
    for (let i = state.upTo + 1; i < host.log.length; i++) {
      const record = host.log[i];
      if (record?.type === 1) state.keys.add(refKey(open(world.options.cell, record.body).ref));
    }
    state.upTo = host.log.length - 1;
    return state.keys;
  };
  const packets = new WeakMap<Uint8Array, readonly Uint8Array[]>();
  world.onSend = (from, _to, bytes) => {
    let blocks = packets.get(bytes);
    if (!blocks) {
      const message = decodeMessage(bytes, MAX);
      if (!message.ok) throw new Error('unreadable packet');
      blocks = blocksIn(message.value);
      packets.set(bytes, blocks);
    }
    for (const one of blocks) {
      const block = open(world.options.cell, one);
      const { author, round } = block.ref;
      const slot = `${author}/${round}`;
      const key = refKey(block.ref);
      if ((seen.slots.get(slot) ?? key) !== key) seen.broken.push(`S1 ${slot}`);
      seen.slots.set(slot, key);
      if (author !== from) continue;
      seen.sent++;
      const log = durableOf(world.host(from));
      const horizon = world.host(from).replica.status().horizon;
      const needed = block.header.parents.filter((ref) => ref.round > horizon && ref.round > 0);
      if (!log.has(key)) seen.broken.push(`S17 ${slot}`);
      for (const ref of needed)
        if (!log.has(refKey(ref))) seen.broken.push(`S17 parent of ${slot}`);
    }
    return true;
  };
  return seen;
}
