// Tour (f): a liar.
import { fileURLToPath } from 'node:url';
import { expectTrue, until } from './screen.ts';
import { type Stage, saysAlone } from './stage.ts';
import { fooledRounds, readTraces } from './traces.ts';

const LIAR = 2;
const LIES_MIN = 20;
const LIAR_MAIN = fileURLToPath(new URL('../../dist/liar.js', import.meta.url));

/** One replica is replaced by a program that says two things at once. */
export async function liar({ cell, alice, bob, record, screen }: Stage): Promise<void> {
  screen.title('A liar: one replica is replaced by a program that fills every slot twice');
  const replica = cell.replicas[LIAR];
  expectTrue(replica !== undefined, 'there is a replica to replace');
  await replica.stop();
  await replica.restart({ main: LIAR_MAIN });
  screen.say(
    `r${LIAR} now signs two blocks per round: one for half of the others, one for the rest`,
  );
  let writes = 0;
  let fooled = 0;
  await until(`${LIES_MIN} equivocations`, async () => {
    for (let i = 0; i < 10; i++) await alice.put('/demo/under-fire', String(++writes));
    fooled = fooledRounds(readTraces(record, cell.replicas.length), LIAR);
    return fooled >= LIES_MIN ? fooled : undefined;
  });
  screen.say(`${fooled} equivocations, each half accepted by an honest replica`);
  const convicted = await until('the liar is convicted by its own signatures', async () => {
    const members = await alice.members({ level: 'linearizable' });
    return members.convicted.includes(LIAR) ? members.convicted : undefined;
  });
  screen.say(`evidence was ordered: the cell has convicted r${convicted.join(', r')}`);
  for (const honest of [0, 1, 3]) {
    const says = (): Promise<true | undefined> =>
      saysAlone(bob, honest, '/demo/under-fire', String(writes));
    await until('the honest replicas agree', says);
  }
  screen.say(`${writes} writes meanwhile; r0, r1 and r3, asked one by one, all say ${writes}`);
  await replica.stop();
  screen.say(`r${LIAR} is switched off; three of four are a quorum and go on`);
}
