// Tests of two links to one peer.
import { utf8 } from '@fatty/codec';
import { type Link, PROTOCOL } from '@fatty/interface';
import { expect, it } from 'vitest';
import { LiveLinks } from '../src/index.ts';
import { Bench } from './bench.ts';

/** A link that tells what it takes. */
function linkOf(sent: string[]): Link {
  return {
    peer: new Uint8Array(32) as Link['peer'],
    role: 'replica',
    version: 1,
    messageBytesMax: 1_000,
    send: (bytes: Uint8Array) => sent.push(Buffer.from(bytes).toString()) > 0,
    close: () => undefined,
  } as unknown as Link;
}

it('the older of two links to a peer counts again when the newer ends', () => {
  const [older, newer] = [linkOf([]), linkOf([])];
  const links = new LiveLinks<string>();
  links.add('a', older);
  links.add('a', newer);
  expect([links.get('a'), links.newest, links.all]).toEqual([newer, [newer], [older, newer]]);
  expect(links.remove('a', newer)).toBe('other');
  expect(links.get('a')).toBe(older);
  expect(links.remove('a', newer)).toBe('same');
  expect(links.remove('a', older)).toBe('none');
  expect([links.get('a'), links.names, links.remove('a', older)]).toEqual([undefined, [], 'same']);
});

it('a driver whose newer link to a peer ends goes on over the older one, as over a new one', () => {
  const bench = new Bench();
  const heard: string[] = [];
  bench.script = (event) => {
    if (event.kind === 'peerUp' || event.kind === 'peerDown') heard.push(event.kind);
    if (event.kind !== 'unsigned') return [];
    return [{ kind: 'send', peer: 1, bytes: utf8('x'), priority: PROTOCOL }];
  };
  bench.driver.begin();
  const sent: string[] = [];
  const [older, newer] = [linkOf(sent), linkOf([])];
  bench.driver.linkUp(1, older);
  bench.driver.linkUp(1, newer);
  bench.driver.linkDown(1, newer);
  expect(heard).toEqual(['peerUp', 'peerUp', 'peerDown', 'peerUp']);
  expect(bench.driver.peersUp).toEqual([1]);
  bench.driver.dispatch({ kind: 'unsigned', bytes: utf8('y') });
  expect(sent).toEqual(['x']);
  bench.driver.linkDown(1, older);
  expect([heard.at(-1), bench.driver.peersUp]).toEqual(['peerDown', []]);
});
