// Tests of links that are lost and come back.
import { fileURLToPath } from 'node:url';
import { asCellId, compareBytes, toHex } from '@fatty/codec';
import { nodeScheme } from '@fatty/codec/node';
import type { LinkHandler } from '@fatty/interface';
import { admitOnly, type LinkIdentity, listen } from '@fatty/network';
import { expect, test } from 'vitest';
import { PeerDialers } from '../src/links.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../edge/network/test/fixtures/${name}`, import.meta.url));

const scheme = nodeScheme();
const [low, high] = [1, 2]
  .map((n) => scheme.signer(new Uint8Array(32).fill(n)))
  .sort((a, b) => compareBytes(a.publicKey, b.publicKey)) as [never, never] as [
  LinkIdentity['signer'],
  LinkIdentity['signer'],
];
const deaf: LinkHandler = {
  up: () => undefined,
  message: () => undefined,
  down: () => undefined,
};
const identityOf = (signer: LinkIdentity['signer']): LinkIdentity => ({
  cellId: asCellId(new Uint8Array(32).fill(7)),
  epoch: () => 0,
  role: 'replica',
  signer,
  scheme,
  admit: admitOnly([low.publicKey, high.publicKey]),
});

/** Polls until a condition holds; the test's own time-out is the limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('why a peer has no link is told once per change, and shown until it has one', async () => {
  const tls = { certFile: fixture('localhost.cert.pem'), keyFile: fixture('localhost.key.pem') };
  const listener = await listen({ port: 0, identity: identityOf(high), handler: deaf, tls });
  const { url: peer, port } = listener;
  const news: (string | undefined)[] = [];
  // The peer's own certificate is no authority for it.
  const config = { insecure: false, tlsCa: '', tlsCert: fixture('localhost.cert.pem') };
  const wary = new PeerDialers(identityOf(low), deaf, config, (_peer, url, why) => {
    expect(url).toBe(peer);
    news.push(why);
  });
  const members = [{ key: high.publicKey, peer }];
  wary.update(members);
  await until(() => news.length > 0);
  // Several tries later it is still one line.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(news).toHaveLength(1);
  expect(news[0]).toMatch(/^tls_failed: .*certificate/);
  expect(wary.unlinked).toEqual([{ peer: high.publicKey, why: news[0] }]);
  await listener.close();
  await until(() => news.length > 1);
  expect(news[1]).toMatch(/^connection_refused: .*ECONNREFUSED/);
  wary.close();

  const again = await listen({
    port,
    identity: identityOf(high),
    handler: deaf,
    tls,
  });
  const heard: (string | undefined)[] = [];
  const trusting = new PeerDialers(
    identityOf(low),
    deaf,
    { ...config, tlsCa: fixture('root.cert.pem') },
    (_peer, _url, why) => void heard.push(why),
  );
  trusting.update(members);
  await until(() => again.links().length === 1);
  expect(trusting.unlinked).toEqual([]);
  await again.close(1012);
  await until(() => trusting.unlinked.length === 1);
  trusting.close();
  expect(heard[0]).toBe('shutdown');
});

test('who is no member any more is left, and dialled no more', async () => {
  const listener = await listen({ port: 0, identity: identityOf(high), handler: deaf });
  const [ups, ends]: [string[], number[]] = [[], []];
  const config = { insecure: false, tlsCa: '', tlsCert: '' };
  // The other end has its link before this one does, which would otherwise end a link that never was.
  const handler: LinkHandler = {
    ...deaf,
    up: (link) => void ups.push(toHex(link.peer)),
    down: (_link, code) => void ends.push(code),
  };
  const dialers = new PeerDialers(identityOf(low), handler, config, () => undefined);
  const members = [{ key: high.publicKey, peer: listener.url }];
  dialers.update(members);
  await until(() => ups.length === 1);
  dialers.update([]);
  await until(() => ends.length === 1);
  dialers.tick([]);
  await until(() => listener.links().length === 0);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect([listener.links().length, dialers.unlinked]).toEqual([0, []]);
  dialers.update(members);
  await until(() => listener.links().length === 1);
  dialers.close();
  await listener.close();
});

test('a member whose link another one of its key has taken is told to look for a copy', async () => {
  const listener = await listen({ port: 0, identity: identityOf(high), handler: deaf });
  const config = { insecure: false, tlsCa: '', tlsCert: '' };
  const news: (string | undefined)[] = [];
  const own = new PeerDialers(identityOf(low), deaf, config, (...told) => void news.push(told[2]));
  const copy = new PeerDialers(identityOf(low), deaf, config, () => undefined);
  const members = [{ key: high.publicKey, peer: listener.url }];
  own.update(members);
  await until(() => listener.links().length === 1);
  copy.update(members);
  await until(() => news.some((why) => why !== undefined));
  expect(news.find((why) => why !== undefined)).toMatch(/^conflict: .*copy of this folder/);
  own.close();
  copy.close();
  await listener.close();
});
