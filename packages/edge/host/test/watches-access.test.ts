// Tests of watches at a gateway: who may hear of what.
import { isTopic, queryShape, topicOf, topicsOf } from '@fatty/api';
import { encode, equalBytes, utf8 } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { clientMessageShapeOf } from '@fatty/protocol';
import { expect, test } from 'vitest';
import { startOf } from '../src/gateway/retained.ts';
import { ALICE, BOB, commitAt, FakeBackend, FakeLink, gatewayOf } from './gateway-fakes.ts';

class Guarded extends FakeBackend {
  override readonly watched = {
    isTopic,
    topicsOf,
    mayHear: (about: string, client: PublicKey): boolean =>
      about !== '/secret' || equalBytes(client, ALICE.publicKey),
  };
}

function bodies(link: FakeLink): readonly string[] {
  return link
    .take()
    .flatMap((message) => (message.kind === 'watched' ? message.events : []))
    .map(({ body }) => new TextDecoder().decode(body));
}

test('what a client may not hear of it does not hear, live or behind', () => {
  const gateway = gatewayOf(new Guarded());
  const watch = encode(clientMessageShapeOf(queryShape), {
    kind: 'watch',
    watch: 1,
    topic: topicOf('/', true),
    from: startOf(11),
    room: 100,
  });
  const links = [ALICE, BOB, ALICE, BOB].map((signer) => new FakeLink(signer));
  const join = (link: FakeLink): void => {
    gateway.linkUp(link);
    gateway.message(link, watch);
  };
  links.slice(0, 2).forEach(join);
  const events = ['/secret', '/open'].map((about) => ({ about, body: utf8(about) }));
  gateway.committed(commitAt(11), { receipts: [], notices: [], events });
  links.slice(2).forEach(join);
  const [all, open] = [['/secret', '/open'], ['/open']];
  expect(links.map(bodies)).toEqual([all, open, all, open]);
});
