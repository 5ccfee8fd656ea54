// Tests of usage, output and single commands.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FattyError, type OpOutcome } from '@fatty/client';
import type { TraceEvent } from '@fatty/interface';
import { traceLine } from '@fatty/msc';
import { OPTIONS } from '@fatty/node';
import { describe, expect, it, vi } from 'vitest';
import { commandsOn } from '../src/every.ts';
import { EXIT, exitCodeOf } from '../src/terminal/io.ts';
import { fields, plain, table } from '../src/terminal/output.ts';
import { fatty, folder, silentIo } from './fatty.ts';

const dir = folder();

describe('usage', () => {
  it('gives every command a choice of table or json', async () => {
    const help = async (...args: string[]): Promise<string> => {
      const said = vi.spyOn(console, 'info').mockImplementation(() => undefined);
      await fatty(...args, '--help');
      const text = said.mock.calls.flat().join('\n');
      said.mockRestore();
      return text;
    };
    for (const name of Object.keys(OPTIONS)) expect(await help('node')).toContain(`  --${name} `);
    const commands = commandsOn(silentIo([]), () => undefined).commands.map(({ name }) => name);
    expect(commands.length).toBeGreaterThan(15);
    const silent = ['node', 'tour', 'completion'];
    for (const name of commands) {
      if (silent.includes(name)) continue;
      expect(await help(name), name).toContain('--output <format>');
    }
    // Refused before anything is touched, also where there is nothing to print.
    for (const name of ['put', 'rm', 'mkdir', 'lock', 'stat']) {
      const said = await fatty(name, '/a', '-o', 'xml', '--cell', '/does/not/exist.json');
      expect([said.code, said.err]).toEqual([EXIT.usage, expect.stringContaining('table or json')]);
    }
  });

  it('calls a cell file that cannot be read unreadable', async () => {
    const said = await fatty('get', '/a', '--cell', dir);
    expect([said.code, said.err]).toEqual([EXIT.usage, expect.stringContaining('cell_unreadable')]);
  });

  it('exits 2 and says why, on stderr', async () => {
    const lines = [
      ['frobnicate'],
      ['get'],
      ['get', '/a', '--nonsense'],
      ['get', '/a', '--cell', '/does/not/exist.json'],
      ['ls', '-o', 'xml', '--cell', '/does/not/exist.json'],
      ['watch', '/a', '--from', 'then', '--cell', '/does/not/exist.json'],
      ['watch', '/a', '--count', '0', '--cell', '/does/not/exist.json'],
      ['elect', '/a', '--observe', '--count', 'x', '--cell', '/does/not/exist.json'],
      ['elect', '/a', '--wait', 'long', '--cell', '/does/not/exist.json'],
      ['elect', '/a', '--', ''],
      ['top', '--every', '1', '--cell', '/does/not/exist.json'],
      ['txn', '/does/not/exist.json'],
      ['proof', 'eat', 'x.json'],
      ['proof', 'verify', '/does/not/exist.json'],
      ['proof', 'verify', '/does/not/exist.json', '--policy', 'bitsMin=many'],
      ['chart', '/does/not/exist.jsonl'],
      ['net', 'nothing'],
      ['net', 'locks', '--runs', 'some'],
      ['net', 'locks', '--runs', '0'],
      ['up', '--dir', dir, '--replicas', 'x'],
      ['init', '--dir', dir, '--replicas', '1.5'],
      ['acl', 'eat', '/a'],
      ['acl', 'set', '/a'],
      ['acl', 'grant', '/a', 'own', 'anyone'],
      ['acl', 'revoke', '/a', 'write'],
      ['key', 'eat'],
      ['key', 'revoke'],
      ['key', 'revoke', '00'],
      ['key', 'rotate', 'new.pem'],
      ['key', 'rotate', '/does/not/exist.pem', '--key', '/does/not/exist.pem'],
      ['init', '--dir', dir, '--admin', '00'],
      ['rm', '/'],
      ['rm', 'no-slash'],
      ['session', 'abc', '--cell', '/does/not/exist.json'],
    ];
    for (const line of lines) {
      const { code, err } = await fatty(...line);
      expect(code, line.join(' ')).toBe(EXIT.usage);
      expect(err, line.join(' ')).not.toBe('');
    }
  });

  it('has one exit code for each way to end without an answer', async () => {
    const error = (code: string, outcome: OpOutcome): FattyError =>
      new FattyError({ code, expected: 'x', actual: 'y' }, { retryable: false, outcome });
    expect(exitCodeOf(error('lock_held', 'not_applied'))).toBe(EXIT.refused);
    expect(exitCodeOf(error('connection_lost', 'unknown'))).toBe(EXIT.unknown);
    expect(exitCodeOf(error('timeout', 'not_applied'))).toBe(EXIT.unknown);
    expect(exitCodeOf(error('unreachable', 'not_applied'))).toBe(EXIT.unreachable);
    expect(exitCodeOf(error('bad_cell_file', 'not_applied'))).toBe(EXIT.usage);
    expect(exitCodeOf(new Error('of our own'))).toBe(EXIT.refused);
    const cell = join(dir, 'nobody');
    expect((await fatty('init', '--dir', cell)).code).toBe(EXIT.done);
    const file = join(cell, 'cell.json');
    const said = await fatty('get', '/a', '--cell', file, '--timeout', '1500');
    expect([said.code, said.err]).toEqual([EXIT.unreachable, expect.stringContaining('unreach')]);
  });

  it('prints rows and fields with bytes as hex and positions as commit.index', () => {
    expect(plain({ key: Uint8Array.of(1, 255), at: { commit: 3, index: 10 }, t: 5n })).toEqual({
      key: '01ff',
      at: '3.10',
      t: '5',
    });
    expect(
      table([
        { a: 1, bb: 'x' },
        { a: undefined, bb: true },
      ]),
    ).toBe('A  BB\n1  x\n-  true\n');
    expect(fields({ a: 1, long: [2n] })).toBe('a     1\nlong  ["2"]\n');
  });
});

describe('a value', () => {
  it('is typed, or comes from a file, and not from both', async () => {
    const cell = ['--cell', '/does/not/exist.json'];
    const both = await fatty('put', '/a', 'x', '--file', 'y', ...cell);
    expect([both.code, both.err]).toEqual([EXIT.usage, expect.stringContaining('got both')]);
    const gone = await fatty('put', '/a', '--file', join(dir, 'gone'), ...cell);
    expect([gone.code, gone.err]).toEqual([EXIT.usage, expect.stringContaining('--file: ENOENT')]);
  });
});

describe('init', () => {
  it('makes a cell once', async () => {
    const at = join(dir, 'cell');
    const made = await fatty('init', '--dir', at, '-o', 'json');
    expect(made.code).toBe(EXIT.done);
    const { cellId } = JSON.parse(made.out) as { cellId: string };
    expect(readFileSync(join(at, 'cell.json'), 'utf8')).toContain(cellId);
    const again = await fatty('init', '--dir', at);
    expect(again).toMatchObject({ code: EXIT.refused });
    expect(again.err).toContain('exists');
    expect((await fatty('init', '--dir', join(dir, 'small'), '--replicas', '3')).code).toBe(
      EXIT.refused,
    );
  });
});

describe('proof', () => {
  const fixture = (name: string): string =>
    fileURLToPath(new URL(`../../../cairo/verify/fixtures/${name}`, import.meta.url));
  const proof = fixture('lease-chain/1.json');

  it('accepts a lease proof of the pinned program and prints its cells', async () => {
    const program = fixture('lease-tick.json');
    const line = [
      'proof',
      'verify',
      proof,
      '--program',
      program,
      '--statement',
      'lease',
      '-o',
      'json',
    ];
    const { code, out } = await fatty(...line);
    expect(code).toBe(EXIT.done);
    expect(JSON.parse(out)).toMatchObject({
      verdict: 'accepted',
      lease: { tFrom: '10', tTo: '20' },
    });
  });

  it('refuses by policy and by statement with exit 1, code, expected and actual on stdout', async () => {
    const refusal = async (...more: string[]): Promise<string> => {
      const { code, out, err } = await fatty('proof', 'verify', proof, '-o', 'json', ...more);
      const said = JSON.parse(out) as Record<string, string>;
      expect([code, err, said.verdict]).toEqual([EXIT.refused, '', 'refused']);
      expect(said.expected).not.toBe(said.actual);
      return said.code ?? '';
    };
    expect(await refusal('--policy', 'bitsMin=128')).toBe('policy_bits');
    expect(await refusal('--policy', 'layouts=small+starknet')).toBe('policy_layout');
    expect(await refusal('--statement', 'lease', '--extra', '1')).toBe('lease_cells');
    // A program is pinned by its words, in either form of file.
    const source = join(dir, 'tick.casm');
    await fatty('cairo', 'disasm', fixture('lease-tick.json'), '--out', source);
    expect((await fatty('cairo', 'verify', proof, '--program', source)).code).toBe(EXIT.done);
    writeFileSync(source, readFileSync(source, 'utf8').replace(/\+ 1\b/, '+ 2'));
    expect(await refusal('--program', source)).toBe('wrong_program');
    const policy = join(dir, 'policy.json');
    writeFileSync(policy, JSON.stringify({ collisionBitsMin: 200 }));
    expect(await refusal('--policy', policy)).toBe('policy_collision');
  });

  it('reads what an outer program says of inner ones, once that program is pinned', async () => {
    const inspect = async (outer: string): Promise<string> => {
      const { code, out } = await fatty('proof', 'inspect', proof, '--outer', outer);
      expect(code).toBe(EXIT.done);
      return out;
    };
    // frame cells are nobody's output
    expect(await inspect('bootloader:_')).toMatch(/^inner +outer_output: /m);
    expect(await inspect('verifier')).toMatch(/^inner +outer_output: /m);
    const verify = (...more: string[]): Promise<{ code: number; out: string }> =>
      fatty('proof', 'verify', proof, '--outer', ...more);
    const program = fixture('lease-tick.json');
    for (const line of [
      ['verifier'],
      ['bootloader:_', '--program', program],
      ['bootloader:7', '--program', program],
      ['verifier:0x7', '--program', program],
      ['sidecar', '--program', program],
    ])
      expect((await verify(...line)).code).toBe(EXIT.usage);
    const refused = await verify('bootloader:0x7', '--program', program);
    expect(refused.code).toBe(EXIT.refused);
    expect(refused.out).toContain('outer_output');
  });

  it('pins a program by its id too', async () => {
    const inspected = await fatty('proof', 'inspect', proof, '-o', 'json');
    const { programId } = JSON.parse(inspected.out) as { programId: string };
    const code = async (id: string): Promise<number> =>
      (await fatty('proof', 'verify', proof, '--program', id)).code;
    expect(await code(programId)).toBe(EXIT.done);
    expect(await code(programId.toUpperCase())).toBe(EXIT.done);
    expect(await code(`0x${programId}`)).toBe(EXIT.done);
    expect(await code('f'.repeat(64))).toBe(EXIT.refused);
    expect(await code('12'.repeat(32))).toBe(EXIT.refused);
    expect(await code('0x12')).toBe(EXIT.usage);
  });

  it('refuses a changed proof, and calls a file that is none unreadable', async () => {
    const text = readFileSync(proof, 'utf8');
    const changed = join(dir, 'changed.json');
    const at = text.indexOf('"proof_hex"') + 2_000;
    writeFileSync(changed, text.slice(0, at) + (text[at] === '0' ? '1' : '0') + text.slice(at + 1));
    expect((await fatty('proof', 'verify', changed)).code).toBe(EXIT.refused);
    writeFileSync(changed, '{"proof_hex": ');
    const broken = await fatty('proof', 'verify', changed);
    expect(broken).toMatchObject({ code: EXIT.usage, out: '' });
    expect(broken.err).toContain('unreadable');
  });

  it('inspects without checking, and says so', async () => {
    const { code, out } = await fatty('proof', 'inspect', proof);
    expect(code).toBe(EXIT.done);
    expect(out).toContain('not checked');
    expect(out).toMatch(/^bits +96$/m);
  });
});

describe('chart', () => {
  it('draws the merged traces, as Mermaid and for terminals', async () => {
    const [one, two] = [join(dir, 'r0.jsonl'), join(dir, 'r1.jsonl')];
    const packet = 'p1';
    writeFileSync(
      one,
      traceLine({ atMs: 5, who: 'r0', kind: 'send', peer: 'r1', packet, label: 'block' }),
    );
    const receive = {
      atMs: 9,
      who: 'r1',
      kind: 'receive',
      peer: 'r0',
      packet,
      label: 'block',
    } as const;
    writeFileSync(two, `${traceLine(receive)}torn`);
    const mermaid = await fatty('chart', one, two, '--title', 'a run');
    expect(mermaid.code).toBe(EXIT.done);
    expect(mermaid.out).toContain('sequenceDiagram');
    expect(mermaid.err).toContain('r1.jsonl: line 2 holds no event\n');
    const ascii = await fatty('chart', one, two, '--ascii', '--out', join(dir, 'chart.txt'));
    expect(ascii.out).toBe('');
    expect(readFileSync(join(dir, 'chart.txt'), 'utf8')).toContain('block');
    expect((await fatty('chart', one, '--from', '100')).out).not.toContain('block');
  });

  it('draws the same part of a long run for terminals as in Mermaid', async () => {
    const file = join(dir, 'long.jsonl');
    const note = (i: number): string =>
      traceLine({ atMs: i, who: 'r0', kind: 'deliver', label: `event ${i};` });
    writeFileSync(file, Array.from({ length: 700 }, (_, i) => note(i)).join(''));
    const events = async (...more: string[]): Promise<readonly string[]> => {
      const { code, out } = await fatty('chart', file, ...more);
      expect(code).toBe(EXIT.done);
      return out.match(/event \d+/g) ?? [];
    };
    const parts = await Promise.all(
      ['1', '2', '3'].map(async (window) => {
        const ascii = await events('--ascii', '--window', window);
        expect(ascii).toEqual(await events('--window', window));
        return ascii;
      }),
    );
    expect(parts.flat()).toEqual(Array.from({ length: 700 }, (_, i) => `event ${i}`));
    expect(await events('--ascii')).toEqual(parts.flat());
    expect((await fatty('chart', file, '--ascii', '--window', '4')).code).toBe(EXIT.usage);
  });

  it('draws what is asked for, on one clock, and marks what contradicts', async () => {
    const files = [0, 1].map((i) => {
      const path = join(dir, `asked-${i}.jsonl`);
      writeFileSync(path, ASKED[i]?.map(traceLine).join('') ?? '');
      return path;
    });
    const rows = async (...flags: string[]): Promise<string> =>
      (await fatty('chart', ...files, '--ascii', ...flags)).out;
    const all = await rows();
    // The clock of r1 is a second behind.
    expect(all).toMatch(/r0>r1 0 to \d+(\.\d)? ms, round 4: push/);
    expect(all).toContain('BROKEN agreement: r1 and r0 differ at commit 9');
    expect(all).not.toContain('busy');
    expect(await rows('--notes')).toContain('busy');
    expect(await rows('--brief')).not.toContain('deliver');
    for (const flags of [
      ['--client', 'c3f9c21'],
      ['--path', '/jobs'],
      ['--op', 'acquire'],
      ['--round', '4'],
      ['--round', '2..4'],
    ]) {
      const some = await rows(...flags);
      expect(some).toContain('push');
      expect(some).not.toContain('deliver');
      expect(some).toContain('BROKEN');
    }
    const none = await fatty('chart', ...files, '--path', '/other', '--to', '1');
    expect(none.err).toContain('nothing in this run fits');
    for (const flags of [
      ['--round', 'x'],
      ['--round', '4..2'],
    ]) {
      expect((await fatty('chart', ...files, ...flags)).code).toBe(EXIT.usage);
    }
  });
});

const acquire = { client: 'c3f9c21', kind: 'acquire', path: '/jobs/a' };

/** Two recordings; the second clock is a second behind. */
const ASKED: readonly (readonly TraceEvent[])[] = [
  [
    {
      atMs: 1000,
      who: 'r0',
      kind: 'send',
      peer: 'r1',
      packet: 'p',
      label: 'push',
      round: 4,
      ops: [acquire],
    },
    { atMs: 1010, who: 'r0', kind: 'note', label: 'busy' },
    { atMs: 1020, who: 'r0', kind: 'receive', peer: 'r1', packet: 'q', label: 'back', round: 5 },
    { atMs: 1030, who: 'r0', kind: 'commit', label: '9, 0 ops', round: 5, commit: 9 },
  ],
  [
    {
      atMs: 5,
      who: 'r1',
      kind: 'receive',
      peer: 'r0',
      packet: 'p',
      label: 'push',
      round: 4,
      ops: [acquire],
    },
    { atMs: 6, who: 'r1', kind: 'send', peer: 'r0', packet: 'q', label: 'back', round: 5 },
    { atMs: 7, who: 'r1', kind: 'deliver', label: 'block', round: 5 },
    { atMs: 8, who: 'r1', kind: 'commit', label: '9, 1 op', round: 6, commit: 9, ops: [acquire] },
  ],
];

describe('net', () => {
  it('runs a net from a seed and shows what it reached', async () => {
    const { code, out } = await fatty('net', 'orswot', '--seed', '1', '--runs', '2', '-o', 'json');
    const report = JSON.parse(out) as {
      verdict: string;
      runs: number;
      reached: Record<string, number>;
    };
    expect(report.runs).toBe(2);
    expect(Object.values(report.reached).some((count) => count > 0)).toBe(true);
    // Two worlds may hold and still have reached too little: both are answers, a broken one is not.
    expect(['holds', 'proved too little']).toContain(report.verdict);
    expect(code).toBe(report.verdict === 'holds' ? EXIT.done : EXIT.refused);
  });
});
