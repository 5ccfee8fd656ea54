// Tour (a): a small file.
import { fromUtf8 } from '@fatty/codec';
import { expectTrue, ms, timed, until } from './screen.ts';
import { type Stage, saysAlone } from './stage.ts';

/** Create, write, read back from another replica. */
export async function files({ alice, bob, screen }: Stage): Promise<void> {
  screen.title('A small file: written through one replica, read from another');
  const written = await timed(() =>
    alice.put('/demo/motd', 'locks for machines that do not trust each other', { parents: true }),
  );
  screen.say(`alice writes /demo/motd: committed by the cell in ${ms(written.ms)}`);
  const read = await timed(() =>
    bob.read({ kind: 'get', path: '/demo/motd' }, 'value', { level: 'linearizable' }),
  );
  const { value, commit, replicas } = read.value;
  const text = fromUtf8(value.siblings[0]?.content ?? new Uint8Array());
  expectTrue(text === 'locks for machines that do not trust each other', 'bob reads it');
  const said = replicas.map((replica) => `r${replica}`).join(' and ');
  screen.say(`bob reads it back in ${ms(read.ms)}: "${text}"`);
  screen.say(`at commit ${commit}, because ${said} say exactly the same (f+1 must agree)`);
  const other = [0, 1, 2, 3].find((replica) => !replicas.includes(replica)) ?? 0;
  await until('every replica has it', () => saysAlone(bob, other, '/demo/motd', text));
  screen.say(`r${other}, asked alone, has the same content`);
}
