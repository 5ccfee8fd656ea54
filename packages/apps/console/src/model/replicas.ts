// The members of a cell as the page sees them.
import { vouched } from './believed.ts';

/** What one link of the page is. */
export type LinkSeen =
  | { readonly kind: 'dialling' }
  | { readonly kind: 'up' }
  | { readonly kind: 'down'; readonly why: string };

/** What one replica says of itself; nobody vouches for it. */
export interface OwnWord {
  readonly commit: number;
  readonly leaseClock: number;
  readonly sessions: number;
  readonly nodes: number;
  readonly holds: number;
  readonly waits: number;
  readonly machines: number;
}

/** What the page knows of one member. */
export interface MemberSeen {
  readonly index: number;
  /** Hex. */
  readonly key: string;
  /** Where clients reach it. */
  readonly client: string;
  readonly link: LinkSeen;
  /** Undefined: it has not answered lately. */
  readonly own: OwnWord | undefined;
  /** More than f replicas say that it has contradicted itself. */
  readonly convicted: boolean;
}

/** How a member is, from good to bad. */
export type Standing = 'up' | 'behind' | 'silent' | 'dialling' | 'down' | 'liar';

/** One row of the table of members. */
export interface ReplicaRow extends MemberSeen {
  readonly standing: Standing;
  /** The standing in words. */
  readonly words: string;
  /** Commits behind what is vouched for; undefined: it does not say where it is. */
  readonly behind: number | undefined;
}

/** How the cell is. `looking`: not every link has been tried. */
export type Health = 'looking' | 'healthy' | 'degraded' | 'no quorum';

/** Whoever is more behind catches up. */
const BEHIND_MAX = 64;

/** Sizes of a committee of n members. */
export function sizesOf(n: number): { readonly n: number; readonly f: number; readonly q: number } {
  const f = Math.floor((n - 1) / 3);
  return { n, f, q: n - f };
}

/** The commit that an honest replica has reached. */
export function vouchedCommit(members: readonly MemberSeen[]): number | undefined {
  return vouched(
    members.map(({ own }) => own?.commit),
    sizesOf(members.length).f,
  );
}

/** In order of the committee. */
export function replicaRows(members: readonly MemberSeen[]): readonly ReplicaRow[] {
  const goal = vouchedCommit(members);
  return members.map((member) => {
    const { own } = member;
    const behind = own && goal !== undefined ? Math.max(0, goal - own.commit) : undefined;
    const standing = standingOf(member, behind);
    return { ...member, standing, behind, words: wordsOf(member, standing, behind) };
  });
}

function standingOf({ convicted, link, own }: MemberSeen, behind: number | undefined): Standing {
  if (convicted) return 'liar';
  if (link.kind === 'down') return 'down';
  if (link.kind === 'dialling') return 'dialling';
  if (own === undefined) return 'silent';
  return behind !== undefined && behind > BEHIND_MAX ? 'behind' : 'up';
}

function wordsOf({ link }: MemberSeen, standing: Standing, behind: number | undefined): string {
  if (standing === 'liar') return 'has contradicted itself';
  if (standing === 'down')
    return link.kind === 'down' && link.why !== '' ? `down: ${link.why}` : 'down';
  if (standing === 'dialling') return 'being dialled';
  if (standing === 'silent') return 'linked, does not answer';
  return standing === 'behind' ? `catching up, ${behind} commits behind` : 'up';
}

/** Health of the whole: what a quorum can do, and whether anybody is missing. */
export function healthOf(rows: readonly Pick<ReplicaRow, 'standing'>[]): Health {
  const { n, q } = sizesOf(rows.length);
  const count = (...of: readonly Standing[]): number =>
    rows.filter(({ standing }) => of.includes(standing)).length;
  if (count('up') === n) return 'healthy';
  if (count('up', 'behind') >= q) return 'degraded';
  return count('up', 'behind', 'dialling') >= q ? 'looking' : 'no quorum';
}

/** What has changed for the worse or the better, a sentence each: for who cannot see the colours. */
export function changesOf(
  before: readonly Pick<ReplicaRow, 'index' | 'standing'>[],
  after: readonly Pick<ReplicaRow, 'index' | 'standing' | 'words'>[],
): readonly string[] {
  return after.flatMap(({ index, standing, words }) => {
    const old = before.find((one) => one.index === index);
    if (old === undefined || old.standing === standing) return [];
    // A link that is tried again is no news.
    if (standing === 'dialling') return [];
    return [`Replica ${index}: ${words}.`];
  });
}

/** Whether somebody is where a page may not go that was loaded while `before` was the address; empty: none is known. */
export function isElsewhere(before: string, now: string): boolean {
  return now !== '' && now !== before;
}
