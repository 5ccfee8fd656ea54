// Tests of the liar demo: the same lie splits Raft and Paxos, and is named by Fatty.
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/terminal/io.ts';
import { fatty } from './fatty.ts';

interface Told {
  readonly protocol: string;
  readonly beliefs: readonly { readonly who: string; readonly value?: string }[];
  readonly convicted: readonly string[];
  readonly split: boolean;
}

async function told(protocol: string): Promise<Told> {
  const { code, out } = await fatty('demo', 'liar', '--protocol', protocol, '-o', 'json');
  expect(code).toBe(EXIT.done);
  return JSON.parse(out) as Told;
}

describe('one liar of four', () => {
  it.each(['raft', 'paxos'])('makes two honest members of %s decide two values', async (name) => {
    const { beliefs, convicted, split } = await told(name);
    expect(beliefs.map(({ who }) => who)).toEqual(['r0', 'r1', 'r2']);
    expect(new Set(beliefs.map(({ value }) => value))).toEqual(new Set(['blue', 'red']));
    expect([split, convicted]).toEqual([true, []]);
  });

  it('is named by fatty, whose honest members decide one value', async () => {
    const { beliefs, convicted, split } = await told('fatty');
    const [first] = beliefs;
    expect(['blue', 'red']).toContain(first?.value);
    expect(beliefs.map(({ value }) => value)).toEqual([first?.value, first?.value, first?.value]);
    expect([split, convicted]).toEqual([false, ['r3']]);
  });

  it('is told in words, to one or to all', async () => {
    const { code, out } = await fatty('demo', 'liar');
    expect(code).toBe(EXIT.done);
    expect(out.match(/two different values are decided/gu)).toHaveLength(2);
    expect(out).toContain('r3 is convicted');
    const none = await fatty('demo', 'liar', '--protocol', 'zab');
    expect([none.code, none.err]).toEqual([
      EXIT.usage,
      expect.stringContaining('expected raft, paxos, fatty'),
    ]);
  });
});
