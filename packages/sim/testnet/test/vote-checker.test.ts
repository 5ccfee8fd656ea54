// What the checkers say of votes and certificates (R27).
import { encode, hash, signedBytes, utf8 } from '@fatty/codec';
import { certOf, openVote, type SignedVote, type Vote, voteShape } from '@fatty/protocol';
import { decodeMessage, encodeMessage, RECORD_VOTE } from '@fatty/replica';
import { describe, expect, test } from 'vitest';
import type { Observation } from '../src/world/observation.ts';
import { cell, checked, record, rulesBroken } from './recorded-history.ts';

const history = record();

describe('votes and certificates', () => {
  type Told = (signer: number, core: Uint8Array) => Uint8Array;
  const signed = (signer: number, core: Uint8Array) => {
    const one = cell.signers[signer];
    if (one === undefined) throw new Error('four signers');
    return one.sign(signedBytes('vote', cell.cellId, core));
  };
  const vote: Told = (author, core) =>
    encodeMessage({ kind: 'vote', vote: { author, core, sig: signed(author, core) } });
  const votes = (): readonly SignedVote[] =>
    history.flatMap((one) => {
      if (one.kind !== 'sent') return [];
      const message = decodeMessage(one.bytes, one.bytes.length);
      return message.ok && message.value.kind === 'vote' ? [message.value.vote] : [];
    });
  const said = (by: number, bytes: Uint8Array): Observation => {
    return { kind: 'sent', by, to: 1, bytes, atMs: 0 };
  };
  /** A vote of the history about something else. */
  const bent = (change: Partial<Vote>): { readonly core: Uint8Array; readonly author: number } => {
    const [first] = votes();
    const opened = first && openVote(first.core);
    if (!opened?.ok) throw new Error('somebody voted');
    return {
      core: encode(voteShape, { ...opened.value, ...change }),
      author: first?.author ?? 0,
    };
  };
  const root = hash('other', utf8('root')) as Vote['stateRoot'];

  test('S5: an honest member votes for another state, commit or frame', () => {
    for (const change of [{ stateRoot: root }, { commitDigest: root }, { frameRoot: root }]) {
      const { core, author } = bent(change);
      expect(rulesBroken([...history, said(author, vote(author, core))])).toContain('S5');
      const liars = { ...checked, liars: new Set([author]) };
      expect(rulesBroken([...history, said(author, vote(author, core))], liars)).toEqual(new Set());
    }
  });

  test('S9: a certificate of too few, of another content, or badly signed', () => {
    const told = (members: readonly number[], core: Uint8Array, by = 0): ReadonlySet<string> => {
      const cert = certOf(
        cell.committee,
        members.map((author) => ({ author, core, sig: signed(author, core) })),
      );
      return rulesBroken([...history, said(by, encodeMessage({ kind: 'cert', cert }))]);
    };
    const { core } = bent({});
    expect(told([0, 1, 2], core)).toEqual(new Set());
    expect(told([0, 1], core)).toContain('S9');
    expect(told([0, 1, 2], bent({ stateRoot: root }).core)).toContain('S9');
    expect(told([0, 1, 2], bent({ epoch: 1 }).core)).toContain('S9');
    const cert = certOf(cell.committee, [{ author: 3, core, sig: signed(2, core) }]);
    const wrong = encodeMessage({ kind: 'cert', cert });
    expect(rulesBroken([...history, said(0, wrong)])).toContain('S9');
  });

  test('S17: a vote is sent before it is on the disk', () => {
    const unlogged = history.map((one) =>
      one.kind === 'synced'
        ? { ...one, records: one.records.filter(({ type }) => type !== RECORD_VOTE) }
        : one,
    );
    expect(votes().length).toBeGreaterThan(4);
    expect(rulesBroken(unlogged)).toEqual(new Set(['S17']));
  });
});
