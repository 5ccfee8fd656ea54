// The chain of epochs as somebody who is no member yet was told it.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { array, decode, encode, fail, ok, toHex } from '@fatty/codec';
import type { Outcome, PublicKey } from '@fatty/interface';
import { type Committee, type EpochLink, epochLinkShape, memberIndex } from '@fatty/protocol';
import type { FrameStore } from '@fatty/storage';

const LINKS_MAX = 1 << 20;
const BYTES_MAX = 64 * 1024 * 1024;
const chainShape = array(epochLinkShape, LINKS_MAX);

const pathOf = (dir: string): string => join(dir, 'chain');

/** Whether somebody has told this folder how the epochs have gone: it may follow without being a member. */
export function hasChain(dir: string): boolean {
  return existsSync(pathOf(dir));
}

/** Writes DIR/chain: the links from the genesis on, in one step. */
export function saveChain(dir: string, links: readonly EpochLink[]): void {
  writeFileSync(`${pathOf(dir)}.new`, encode(chainShape, links));
  renameSync(`${pathOf(dir)}.new`, pathOf(dir));
}

/** Reads DIR/chain; none: no links. Whether they are good the cell id says. Code: `bad_chain_file`. */
export function loadChain(dir: string): Outcome<readonly EpochLink[]> {
  if (!hasChain(dir)) return ok([]);
  const read = decode(chainShape, new Uint8Array(readFileSync(pathOf(dir))), BYTES_MAX);
  if (read.ok) return read;
  return fail('bad_chain_file', `links of the chain in ${pathOf(dir)}`, read.failure.actual);
}

/** What may say that a key, though no genesis member's, has something to follow. */
export interface FollowParts {
  readonly dir: string;
  /** Of the genesis. */
  readonly committee: Committee;
  readonly key: PublicKey;
  readonly frames: Pick<FrameStore, 'read'>;
}

/**
 * The chain in DIR, when the key may be at work there: it is a genesis member's, or the folder has a word of how the
 * epochs went on, which is a chain or a frame. Codes: `not_a_member`, `bad_chain_file`.
 */
export async function mayFollow(parts: FollowParts): Promise<Outcome<readonly EpochLink[]>> {
  const { dir, committee, key, frames } = parts;
  const isKnown = memberIndex(committee, key) >= 0 || hasChain(dir);
  if (isKnown || (await frames.read()).length > 0) return loadChain(dir);
  return fail('not_a_member', 'a committee key, or a folder made by "fatty join"', toHex(key));
}
