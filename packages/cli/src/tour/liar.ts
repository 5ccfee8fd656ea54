import { fileURLToPath } from 'node:url';
import { expectTrue, until } from './screen.ts';
import type { Stage } from './stage.ts';
import { fooledRounds, readTraces } from './traces.ts';

const LIAR = 2;
const LIES_MIN = 20;
const LIES_MS_MAX = 30_000;
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
  await until(`${LIES_MIN} equivocations`, LIES_MS_MAX, async () => {
    for (let i = 0; i < 10; i++) await alice.put('/demo/under-fire', String(++writes));
    fooled = fooledRounds(readTraces(record, cell.replicas.length), LIAR);
    return fooled >= LIES_MIN ? fooled : undefined;
  });
  screen.say(`${fooled} equivocations, each half accepted by an honest replica`);
  const { convicted } = await alice.members({ level: 'linearizable' });
  expectTrue(convicted.includes(LIAR), 'the cell has convicted the liar by its own signatures');
  screen.say(`evidence was ordered: the cell has convicted r${convicted.join(', r')}`);
  const honest = [0, 1, 3];
  const answers = await Promise.all(
    honest.map((one) => {
      const query = { kind: 'get', path: '/demo/under-fire' } as const;
      return bob.askReplica(one, query, 'value');
    }),
  );
  const texts = answers.map(({ siblings }) => Buffer.from(siblings[0]?.content ?? []).toString());
  expectTrue(
    texts.every((text) => text === String(writes)),
    'the honest replicas agree',
  );
  screen.say(`${writes} writes meanwhile; r0, r1 and r3, asked one by one, all say ${texts[0]}`);
  await replica.stop();
  screen.say(`r${LIAR} is switched off; three of four are a quorum and go on`);
}
