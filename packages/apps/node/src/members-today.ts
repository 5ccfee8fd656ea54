// Who the members of a cell are today, as this host can find out.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Signer } from '@fatty/codec';
import { fromHex, toHex } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { PublicKey } from '@fatty/interface';
import {
  type Cell,
  type ChainRules,
  type Change,
  contactsOf,
  type EpochLink,
  followChain,
  newestAddresses,
} from '@fatty/protocol';
import { CheckedChain, epochOf } from '@fatty/replica';
import { type Files, nodeFiles, openFrames } from '@fatty/storage';
import { AddressBook } from './address-book.ts';
import { askAdmin } from './admin-client.ts';
import { fetchCell, fetchChain } from './ask-chain.ts';
import { loadChain } from './chain-file.ts';
import { CLOCK } from './host-ports.ts';
import { type MembersShown, type ShownChange, shownChange } from './members-shown.ts';

/** How long whoever is asked has, ms. */
const ANSWER_MS_MAX = 3_000;

/** A change of members that an epoch has ended with. */
export interface Past extends ShownChange {
  /** That it ended. */
  readonly epoch: number;
}

/** What there is to know of members. */
export interface Today {
  readonly epoch: number;
  readonly members: readonly PublicKey[];
  /** With the newest addresses of everybody, members or not. */
  readonly cell: Cell;
  /** What the own replica says; undefined: it does not run. */
  readonly own: MembersShown | undefined;
  /** Oldest first; none are known where the own replica alone has answered. */
  readonly changes: readonly Past[];
}

/** What is looked at and asked. */
export interface TodayParts {
  readonly dir: string;
  /** With the genesis committee. */
  readonly cell: Cell;
  /** Undefined: the folder has no key. */
  readonly signer: Signer | undefined;
  /** Authorities of the other members, PEM. */
  readonly ca: string | undefined;
  readonly insecure: boolean;
}

/** What an epoch comes to by links that were checked. */
interface Known {
  readonly epoch: number;
  readonly members: readonly PublicKey[];
  readonly links: readonly EpochLink[];
}

/**
 * The furthest of what the own replica, its disk, and every replica in reach know: whoever sent links, the cell id
 * says whether they hold.
 */
export async function membersToday(parts: TodayParts): Promise<Today> {
  const { dir, cell } = parts;
  const answer = await askAdmin<MembersShown>(dir, { kind: 'members' });
  const own = answer.ok ? answer.value : undefined;
  const kept = own === undefined ? await keptIn(parts) : knownBy(parts, []);
  const before = own ? later(kept, saidBy(own)) : kept;
  const learned = withLearned(parts, before.members);
  const told = await Promise.all(contactsOf(learned).map(({ client }) => askOne(parts, client)));
  const known = told.reduce((best, one) => later(best, one.known), before);
  const cells = told.flatMap((one) => one.cell ?? []);
  const addresses = cells.reduce(
    (all, one) => newestAddresses(all, one.addresses),
    withLearned(parts, known.members).addresses,
  );
  const { epoch, members, links } = known;
  return { epoch, members, own, cell: { ...cell, addresses }, changes: links.flatMap(changesOf) };
}

/** Of one epoch whoever has its links knows more. */
function later(one: Known, other: Known | undefined): Known {
  if (other === undefined || other.epoch < one.epoch) return one;
  return other.epoch > one.epoch || other.links.length > one.links.length ? other : one;
}

function saidBy({ epoch, all }: MembersShown): Known {
  const members = all.flatMap(({ key }) => (fromHex(key) as PublicKey | undefined) ?? []);
  return { epoch, members, links: [] };
}

function changesOf({ frame }: EpochLink): readonly Past[] {
  const changes: readonly Change[] = frame.agenda.plan?.changes ?? [];
  return changes.map((change) => ({ ...shownChange(change), epoch: frame.epoch }));
}

/** Of links that lead nowhere nothing is believed. */
function knownBy({ cell }: TodayParts, links: readonly EpochLink[]): Known {
  const found = followChain(rulesOf(cell), links);
  if (!found.ok) return { epoch: cell.committee.epoch, members: cell.committee.members, links: [] };
  const { epoch, members } = found.value.committee;
  return { epoch, members, links };
}

function rulesOf({ cellId, committee: genesis, founding }: Cell): ChainRules {
  return { cellId, scheme: nodeScheme(), genesis, founding };
}

const nothing = (): Promise<void> => Promise.resolve();
/** A replica may be at work there: nothing is tidied up. */
const READ_ONLY: Files = {
  ...nodeFiles,
  makeFolder: nothing,
  remove: nothing,
  syncFolder: nothing,
};

/** What the disk leads to: the newest good frame, or what somebody told who joins. */
async function keptIn(parts: TodayParts): Promise<Known> {
  const chain = loadChain(parts.dir);
  const told = knownBy(parts, chain.ok ? chain.value : []);
  const folder = join(parts.dir, 'frames');
  if (!existsSync(folder) || readdirSync(folder).length === 0) return told;
  const checked = new CheckedChain(rulesOf(parts.cell));
  for (const { head } of await (await openFrames(folder, { files: READ_ONLY })).read()) {
    const found = epochOf(checked, head);
    if (found.ok) return later(told, knownBy(parts, found.value.links));
  }
  return told;
}

/** With the addresses that the replica has heard of. */
function withLearned({ dir, cell, signer }: TodayParts, members: readonly PublicKey[]): Cell {
  if (signer === undefined) return cell;
  const path = join(dir, 'addresses.json');
  const heard = new AddressBook({
    cell,
    members,
    path,
    scheme: nodeScheme(),
    signer,
    clock: CLOCK,
  });
  return { ...cell, addresses: newestAddresses(cell.addresses, heard.cell.addresses) };
}

interface Told {
  readonly known?: Known;
  readonly cell?: Cell;
}

/** What one replica says of epochs and of where everybody is; nothing, when it does not answer. */
async function askOne(parts: TodayParts, client: string): Promise<Told> {
  const { cell, ca, insecure } = parts;
  if (!URL.canParse(client)) return {};
  const asked = { url: new URL(client), ca, insecure, timeoutMs: ANSWER_MS_MAX };
  // Not under the own key: that one may be at work.
  const stranger = nodeScheme().signer(crypto.getRandomValues(new Uint8Array(32)));
  const [found, links] = await Promise.all([
    fetchCell(asked, cell.cellId),
    fetchChain(asked, cell.cellId, stranger),
  ]);
  return {
    ...(found.ok && { cell: found.value }),
    ...(links.ok && { known: knownBy(parts, links.value) }),
  };
}

/** What became of a key that is no member's: the epoch that ended with it, if any. */
export function goneWith({ changes }: Today, key: PublicKey): number | undefined {
  return changes.findLast(({ old }) => old === toHex(key))?.epoch;
}
