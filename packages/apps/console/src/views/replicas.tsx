// The members of the cell, and how each is.
import type { JSX } from 'preact';
import type { Console } from '../live/console.ts';
import { healthOf, type ReplicaRow, sizesOf, vouchedCommit } from '../model/replicas.ts';
import { Hex, Section, Witness } from './parts.tsx';

/** Symbols stand beside the colours, for who does not tell them apart. */
const SYMBOLS = { up: '●', behind: '◐', silent: '◌', dialling: '◌', down: '✕', liar: '⚠' } as const;

function Row({ row }: { readonly row: ReplicaRow }): JSX.Element {
  const { index, key, client, standing, words, own, behind } = row;
  return (
    <tr class={standing} data-replica={index} data-standing={standing}>
      <th scope="row">{index}</th>
      <td class="standing">
        <span aria-hidden="true">{SYMBOLS[standing]}</span> {words}
      </td>
      <td class="number">{own?.commit ?? '–'}</td>
      <td class="number">{behind ?? '–'}</td>
      <td>
        <Hex of={key} />
      </td>
      <td class="wide">{client}</td>
    </tr>
  );
}

/** Health in a word, for the head of the page. */
export function Health({ of }: { readonly of: Console }): JSX.Element {
  const health = of.waiting.value === undefined ? healthOf(of.rows.value) : 'looking';
  return <strong class={`health ${health.replace(' ', '-')}`}>{health}</strong>;
}

/** Who the members are, and how they are. */
export function Replicas({ of }: { readonly of: Console }): JSX.Element {
  const rows = of.rows.value;
  const { n, f, q } = sizesOf(rows.length);
  const counts = of.counts.value;
  const figures = [
    ['epoch', of.epoch.value],
    ['members', n],
    ['may lie', f],
    ['quorum', q],
    ['commit', vouchedCommit(rows) ?? '–'],
    ['sessions', counts?.sessions ?? '–'],
    ['nodes', counts?.nodes ?? '–'],
    ['locks held', counts?.holds ?? '–'],
    ['machines', counts?.machines ?? '–'],
  ] as const;
  return (
    <Section id="replicas" title="Replicas">
      <dl class="figures">
        {figures.map(([name, figure]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{figure}</dd>
          </div>
        ))}
      </dl>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">#</th>
              <th scope="col">standing</th>
              <th scope="col" class="number">
                commit
              </th>
              <th scope="col" class="number">
                behind
              </th>
              <th scope="col">key</th>
              <th scope="col" class="wide">
                clients reach it at
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.key} row={row} />
            ))}
          </tbody>
        </table>
      </div>
      <p class="witness">Each replica’s own word, over a link of this page to that replica.</p>
      <Witness of={of.members.value} />
    </Section>
  );
}
